import subprocess
import sys

import pytest

from bids_brainage import __version__
from bids_brainage.cli.app_command import main
from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.errors import UsageError


def parse(*options):
    return to_config(build_parser().parse_args(["/data", "/out", "participant", *options]))


@pytest.mark.parametrize(
    "words",
    [
        ["--participant-label", "01", "02"],
        ["--participant_label", "01", "02"],
        ["--participant-label", "01,02"],
        ["--participant-label", "01", "--participant-label", "02"],
    ],
)
def test_labels_are_read_in_every_spelling(words):
    assert parse(*words).participant_labels == ("01", "02")


@pytest.mark.parametrize("option", ["--participant-label", "--session-label"])
@pytest.mark.parametrize("words", [[""], [" , "], ["sub-"], ["ses-/"], ["01", ""]])
def test_the_label_of_an_empty_variable_does_not_mean_everyone(capsys, option, words):
    with pytest.raises(SystemExit, match="2"):
        parse(option, *words)
    assert "holds no label" in capsys.readouterr().err


def test_levels_are_put_in_order():
    options = build_parser().parse_args(["/data", "/out", "group", "participant"])
    assert to_config(options).levels == ("participant", "group")


@pytest.mark.parametrize(
    "words",
    [
        ["--device", "gpu"],
        ["--batch-size", "0"],
        ["--nprocs", "-1"],
        ["--nprocs", "two"],
        ["--fd-threshold", "0"],
        ["--fd-threshold", "nan"],
        ["--unknown"],
        ["--participant", "01"],
        ["--stage", "train"],
        ["--batch", "0/4"],
        ["--batch", "5/4"],
        ["--batch", "2"],
    ],
)
def test_wrong_options_exit_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(*words)
    assert stop.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_missing_dataset_exits_with_66_and_names_it(tmp_path, capsys):
    missing = tmp_path / "nowhere"
    assert main([str(missing), str(tmp_path / "out"), "participant"]) == 66
    message = capsys.readouterr().err
    assert str(missing) in message
    assert "Traceback" not in message


def test_config_file_gives_defaults_and_the_command_line_wins(tmp_path):
    from bids_brainage.cli.config_file import apply_config_file

    file = tmp_path / "run.toml"
    file.write_text(
        'nprocs = 3\natlas = "mine.nii.gz"\ntask-id = ["rest", "task-eyes"]\n'
        'dry-run = true\nparticipant_label = "01,02"\n'
    )
    words = ["/data", "/out", "participant", "--config-file", str(file), "--nprocs", "2"]
    words += ["--task-id", "movie"]
    parser = build_parser()
    apply_config_file(parser, words)
    config = to_config(parser.parse_args(words))
    assert config.nprocs == 2
    assert config.atlas == "mine.nii.gz"
    assert config.task_ids == ("movie",)
    assert config.participant_labels == ("01", "02")
    assert config.dry_run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "colour"),
        ("nprocs = 0", "nprocs"),
        ("dry_run = 'yes'", "dry_run"),
        ("nprocs = [", "TOML"),
        ('device = "tpu"', "tpu"),
    ],
)
def test_wrong_config_file_exits_with_2(tmp_path, capsys, text, said):
    file = tmp_path / "run.toml"
    file.write_text(text)
    assert main(["/data", "/out", "participant", "--config-file", str(file)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ['stage = "x"', 'ignore = ["x"]', "nprocs = [1, 2]", "x = [" * 3000]
)
def test_config_file_values_are_checked_as_on_the_command_line(tmp_path, capsys, text):
    path = tmp_path / "c.toml"
    path.write_text(text)
    assert main([str(tmp_path), "/out", "participant", "--config-file", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_absent_config_file_exits_with_66(tmp_path):
    words = ["/data", "/out", "participant", "--config-file", str(tmp_path / "no.toml")]
    assert main(words) == 66


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_start_up_loads_no_heavy_library(option):
    code = (
        "import sys\nfrom bids_brainage.cli.app_command import main\n"
        f"try:\n    main([{option!r}])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'torch', 'numpy', 'nilearn', 'pandas', 'bids', 'socket'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert __version__ in done.stdout or "BIDS_DIR" in done.stdout


ARRAY = {"ID": "7", "MIN": "1", "MAX": "20", "COUNT": "20"}


def in_array(monkeypatch, **changes):
    for name, value in (ARRAY | changes).items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)


def test_batch_of_a_slurm_array_is_read(monkeypatch):
    in_array(monkeypatch)
    assert parse().batch == (7, 20)
    in_array(monkeypatch, MIN="0", MAX="19")
    assert parse().batch == (8, 20)


def test_named_batch_and_named_participants_come_before_the_array(monkeypatch):
    in_array(monkeypatch)
    assert parse("--batch", "1/2").batch == (1, 2)
    assert parse("--participant-label", "01").batch is None


@pytest.mark.parametrize(
    "changes", [{"MIN": "3", "COUNT": "2"}, {"COUNT": "4"}, {"MAX": "", "COUNT": ""}]
)
def test_part_of_an_array_is_refused(monkeypatch, changes):
    in_array(monkeypatch, **changes)
    with pytest.raises(UsageError, match="--batch I/N"):
        parse()


def test_group_level_ignores_the_array_and_goes_with_no_batch(monkeypatch):
    def group(*levels):
        return to_config(build_parser().parse_args(["/data", "/out", *levels]))

    in_array(monkeypatch)
    assert group("group").batch is None
    with pytest.raises(UsageError, match="7/20"):
        group("participant", "group")


def test_group_level_goes_with_no_extraction_alone():
    words = ["/data", "/out", "participant", "group", "--stage", "extract"]
    with pytest.raises(UsageError, match="--stage predict"):
        to_config(build_parser().parse_args(words))

"""The Slurm scripts, without a Slurm; integrations/slurm/test_slurm.sh runs them on a real one."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.config import RunConfig

SLURM = Path(__file__).parents[2] / "integrations" / "slurm"
SCRIPTS = sorted([*SLURM.glob("*.sh"), *SLURM.glob("*.sbatch")])
# Programs that submit.sh calls, each keeping its arguments; sbatch numbers the jobs from 101.
KEEP = 'printf "%s\\0" "$@" >>"$FAKES/{name}.args"; printf "\\n" >>"$FAKES/{name}.args"\n'
FAKES = {
    "sbatch": '[[ $* != *"$REFUSED.sbatch"* ]] || exit 1\n'
    'echo $((100 + $(wc -l <"$FAKES/sbatch.args")))\n',
    "squeue": 'cat "$FAKES/queue" 2>/dev/null\n',
    "scontrol": 'echo "MaxArraySize            = ${MAX_ARRAY_SIZE:-1001}"\n',
    "scancel": "",
    "bids_brainage": 'env >"$FAKES/env"; exit "${APP_CODE:-0}"\n',
    "apptainer": 'env >"$FAKES/env"\n',
}

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
Submit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "data of five"
    for label in range(1, 6):
        (folder / f"sub-{label:02d}").mkdir(parents=True)
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "100% out"


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "fakes"
    folder.mkdir()
    for name, text in FAKES.items():
        program = folder / name
        program.write_text("#!/bin/bash\n" + KEEP.format(name=name) + text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKES", str(folder))
    monkeypatch.setenv("REFUSED", "none")
    return folder


@pytest.fixture
def submit(fakes: Path, dataset: Path, output: Path) -> Submit:
    def run(*options: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [SLURM / "submit.sh", dataset, output, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr + done.stdout
        return done

    return run


def calls(fakes: Path, name: str) -> list[list[str]]:
    file = fakes / f"{name}.args"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split("\0")[:-1] for line in lines]


def split(call: list[str]) -> tuple[list[str], list[str]]:
    """Options of sbatch, and the script with its arguments."""
    place = next(i for i, word in enumerate(call) if word.endswith(".sbatch"))
    return call[:place], call[place:]


def array_of(call: list[str]) -> str:
    return next(word for word in call if word.startswith("--array=")).removeprefix("--array=")


def run_job(call: list[str], fakes: Path, **environment: str) -> tuple[int, RunConfig]:
    """Run a submitted script as Slurm would; the exit code, and what the App was asked."""
    (fakes / "bids_brainage.args").unlink(missing_ok=True)
    done = subprocess.run(["bash", *split(call)[1]], env=os.environ | environment, check=False)
    (arguments,) = calls(fakes, "bids_brainage")
    return done.returncode, to_config(build_parser().parse_args(arguments))


def write_records(output: Path, codes: dict[str, str]) -> None:
    for name, code in codes.items():
        (output / "logs" / "slurm" / f"{name}.exit").write_text(code)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_valid_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


def test_a_dry_run_prints_what_is_submitted_otherwise_and_writes_nothing(
    submit: Submit, fakes: Path, output: Path
) -> None:
    options = ("--gpu", "--sbatch", "--account=ours  -p short", "--", "--task-id", "rest")
    printed = [shlex.split(line)[1:] for line in submit("--dry-run", *options).stdout.splitlines()]
    assert not output.exists()
    assert not calls(fakes, "sbatch")
    submit(*options)
    names = {"EXTRACT": "101", "PREDICT": "102"}
    for name, number in names.items():
        printed = [[word.replace(name, number) for word in call] for call in printed]
    assert printed == calls(fakes, "sbatch")


def test_prediction_and_group_level_start_when_the_earlier_job_has_ended_in_any_way(
    submit: Submit, fakes: Path
) -> None:
    submit()
    extract, predict, group = calls(fakes, "sbatch")
    assert array_of(extract) == "1-5%100"
    assert "--dependency=afterany:101" in predict
    assert "--dependency=afterany:102" in group
    assert not [word for word in extract if word.startswith("--dependency")]


def test_each_job_gives_the_app_options_that_its_parser_takes(
    submit: Submit, fakes: Path, dataset: Path, output: Path
) -> None:
    submit("--cpus", "2", "--", "--derivatives", "fmriprep=/a b/prep", "--participant-label", "01")
    extract, predict, group = calls(fakes, "sbatch")
    cpus = {"SLURM_CPUS_PER_TASK": "2"}
    _, config = run_job(extract, fakes, SLURM_ARRAY_TASK_ID="4", **cpus)
    assert (config.bids_dir, config.output_dir) == (dataset, output)
    assert (config.levels, config.stage, config.batch) == (("participant",), "extract", (4, 5))
    assert (config.nprocs, config.derivatives) == (2, ("fmriprep=/a b/prep",))
    assert config.participant_labels == ("01",)
    _, config = run_job(predict, fakes, **cpus)
    assert (config.levels, config.stage, config.batch) == (("participant",), "predict", None)
    _, config = run_job(group, fakes, **cpus)
    assert (config.levels, config.batch) == (("group",), None)


def test_resources_of_the_array_are_its_own_and_the_gpu_is_for_the_prediction(
    submit: Submit, fakes: Path
) -> None:
    submit("--cpus", "3", "--time", "30", "--gpu", "--sbatch-predict", "-p gpu", "--at-once", "7")
    extract, predict, group = (split(call)[0] for call in calls(fakes, "sbatch"))
    assert {"--cpus-per-task=3", "--mem=12G", "--time=30", "--array=1-5%7"} <= set(extract)
    assert predict[-3:] == ["--gres=gpu:1", "-p", "gpu"]
    assert not {"--gres=gpu:1", "--time=30", "gpu"} & set(group)
    submit("--cpus", "3", "--mem", "8G")
    assert "--mem=8G" in calls(fakes, "sbatch")[3]


def test_logs_go_to_the_output_whatever_its_name(submit: Submit, fakes: Path, output: Path) -> None:
    submit()
    logs = str(output / "logs" / "slurm").replace("%", "%%")
    found = [next(w for w in call if w.startswith("--output=")) for call in calls(fakes, "sbatch")]
    assert found == [
        f"--output={logs}/{name}.out" for name in ("extract-%A_%a", "predict-%j", "group-%j")
    ]


@pytest.mark.parametrize(
    ("options", "array"),
    [
        (("--batches", "2"), "1-2%100"),
        (("--participants-per-task", "2"), "1-3%100"),
        (("--batches", "9"), "1-9%100"),
    ],
)
def test_batches_are_as_asked(
    submit: Submit, fakes: Path, options: tuple[str, ...], array: str
) -> None:
    submit(*options)
    assert array_of(calls(fakes, "sbatch")[0]) == array


def test_the_array_is_no_larger_than_the_cluster_allows(
    submit: Submit, fakes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_ARRAY_SIZE", "4")
    assert "MaxArraySize" in submit().stderr
    assert array_of(calls(fakes, "sbatch")[0]) == "1-3%100"
    assert "allows 3" in submit("--batches", "4", code=2).stderr


def test_participants_of_derivatives_count_once(submit: Submit, fakes: Path, dataset: Path) -> None:
    for name in ("fmriprep/sub-01", "fmriprep/sub-08", "freesurfer/sub-08_ses-1", "fsaverage"):
        (dataset / "derivatives" / name).mkdir(parents=True)
    (dataset / "derivatives" / "fmriprep" / "sub-09.html").touch()
    submit()
    assert array_of(calls(fakes, "sbatch")[0]) == "1-6%100"


def test_resubmission_takes_failed_killed_and_unrecorded_batches_of_the_same_number(
    submit: Submit, fakes: Path, output: Path
) -> None:
    submit("--batches", "12")
    records = {f"extract-{i}": "0\n" for i in (1, 5, 7, 10, 11, 12)}
    write_records(output, records | {"extract-3": "1\n", "extract-4": "143\n", "extract-8": ""})
    submit("--resubmit", "--mem", "16G")
    extract, predict, _ = calls(fakes, "sbatch")[3:]
    assert array_of(extract) == "2-4,6,8-9%100"
    assert "--mem=16G" in extract
    assert "--dependency=afterany:104" in predict
    _, config = run_job(extract, fakes, SLURM_ARRAY_TASK_ID="9")
    assert config.batch == (9, 12)


def test_resubmission_forgets_the_codes_of_what_it_submits(submit: Submit, output: Path) -> None:
    submit()
    write_records(output, {"extract-1": "0\n", "extract-2": "1\n", "predict": "1\n", "group": "1"})
    submit("--resubmit")
    left = sorted(path.stem for path in (output / "logs" / "slurm").glob("*.exit"))
    assert left == ["extract-1"]


def test_a_new_submission_forgets_all_codes(submit: Submit, output: Path) -> None:
    submit("--batches", "9")
    write_records(output, {"extract-9": "0\n", "group": "0\n"})
    submit()
    assert not list((output / "logs" / "slurm").glob("*.exit"))


def test_a_failed_prediction_alone_is_submitted_without_waiting(
    submit: Submit, fakes: Path, output: Path
) -> None:
    submit("--batches", "2")
    write_records(output, {"extract-1": "0\n", "extract-2": "0\n", "predict": "137\n"})
    submit("--resubmit")
    predict, group = calls(fakes, "sbatch")[3:]
    assert not [word for word in predict if word.startswith(("--dependency", "--array"))]
    assert "--dependency=afterany:104" in group


def test_nothing_is_submitted_where_all_went_well(
    submit: Submit, fakes: Path, output: Path
) -> None:
    submit("--batches", "1")
    write_records(output, {name: "0\n" for name in ("extract-1", "predict", "group")})
    assert "nothing to submit" in submit("--resubmit").stdout
    assert len(calls(fakes, "sbatch")) == 3


def test_resubmission_is_refused_where_batches_would_mean_others(
    submit: Submit, dataset: Path
) -> None:
    assert "nothing was submitted" in submit("--resubmit", code=2).stderr
    submit()
    assert "keeps the 5 batches" in submit("--resubmit", "--batches", "4", code=2).stderr
    (dataset / "sub-06").mkdir()
    assert "had 5 participants and now has 6" in submit("--resubmit", code=2).stderr


def test_a_second_submission_is_refused_while_the_first_is_in_the_queue(
    submit: Submit, fakes: Path
) -> None:
    submit()
    (fakes / "queue").write_text("101_[4-5%100]\n102\n")
    message = submit("--resubmit", code=2).stderr
    assert "101_[4-5%100] 102" in message
    assert "scancel 101 102 103" in message


def test_a_job_that_sbatch_refuses_takes_the_others_back(
    submit: Submit, fakes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "predict")
    assert "sbatch did not take the predict job" in submit(code=1).stderr
    assert calls(fakes, "scancel") == [["101"]]


def test_an_image_sees_the_dataset_read_only_under_its_own_name(
    submit: Submit, fakes: Path, dataset: Path, output: Path, tmp_path: Path
) -> None:
    image = tmp_path / "an image.sif"
    image.touch()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    submit("--image", str(image), "--gpu", "--bind", "/prep:/prep:ro")
    for call, nv in zip(calls(fakes, "sbatch"), ([], ["--nv"], []), strict=True):
        (fakes / "apptainer.args").unlink(missing_ok=True)
        environment = {"SLURM_ARRAY_TASK_ID": "1", "TMPDIR": str(scratch)}
        subprocess.run(["bash", *split(call)[1]], env=os.environ | environment, check=True)
        (arguments,) = calls(fakes, "apptainer")
        place = arguments.index(str(image))
        assert arguments[:place] == [
            "run", "--cleanenv", *nv,
            "--bind", f"{dataset}:{dataset}:ro", "--bind", f"{output}:{output}",
            "--bind", "/prep:/prep:ro",
        ]  # fmt: skip
        assert build_parser().parse_args(arguments[place + 1 :]).bids_dir == dataset
        kept = (fakes / "env").read_text().splitlines()
        assert f"APPTAINER_BIND={scratch}:/tmp" in kept
        assert "APPTAINERENV_OMP_NUM_THREADS=1" in kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--batches", "0"), "'0' is not a whole number"),
        (("--batches", "2", "--participants-per-task", "2"), "exclude each other"),
        (("--participant-label", "01"), "go after --"),
        (("--image", "absent.sif"), "no image absent.sif"),
        (("--bind", "/prep"), "go with --image"),
        (("third",), "BIDS_DIR and OUTPUT_DIR"),
        (("--mem",), "needs a value"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_written(
    submit: Submit, output: Path, options: tuple[str, ...], message: str
) -> None:
    assert message in submit(*options, code=2).stderr
    assert not output.exists()


def test_a_dataset_without_participants_needs_the_number_of_batches(
    submit: Submit, fakes: Path, dataset: Path
) -> None:
    shutil.rmtree(dataset)
    dataset.mkdir()
    assert "give --batches" in submit(code=2).stderr
    submit("--batches", "3", "--", "--fs-subjects-dir", "/fs")
    assert array_of(calls(fakes, "sbatch")[0]) == "1-3%100"


def test_help_names_every_option() -> None:
    script = SLURM / "submit.sh"
    text = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    code = script.read_text().partition("while (($#))")[2].partition("\ndone")[0]
    cases = {word for line in code.splitlines() for word in line.split(")")[0].split(" | ")}
    options = {word.strip() for word in cases if word.strip().startswith("--") and "?" not in word}
    assert len(options) > 10
    assert {word for word in options - {"--"} if f"  {word}" not in text} == set()


def test_a_task_records_how_its_command_ended(submit: Submit, fakes: Path, output: Path) -> None:
    submit()
    code, _ = run_job(
        calls(fakes, "sbatch")[0], fakes, SLURM_ARRAY_TASK_ID="2", SLURM_JOB_ID="7", APP_CODE="16"
    )
    records = output / "logs" / "slurm"
    assert code == 16
    assert (records / "extract-2.exit").read_text() == "16\n"
    assert (records / "extract-2.started").read_text().startswith("job 7 on ")


def start_task(folder: Path, command: str) -> subprocess.Popen[bytes]:
    line = [SLURM / "task.sh", folder, "extract", "bash", "-c", f"{command}; touch {folder}/ready;"
            "while :; do sleep 0.05; done"]  # fmt: skip
    task = subprocess.Popen(line, start_new_session=True)
    end = time.monotonic() + 20
    while not (folder / "ready").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    return task


def test_a_task_passes_the_end_of_its_time_on_and_waits_for_the_command(tmp_path: Path) -> None:
    task = start_task(tmp_path, "trap 'sleep 0.3; exit 143' TERM")
    task.send_signal(signal.SIGTERM)
    assert task.wait(20) == 143
    assert (tmp_path / "extract.exit").read_text() == "143\n"


def test_a_killed_task_leaves_its_start_and_no_code(tmp_path: Path) -> None:
    (tmp_path / "extract.exit").write_text("0\n")
    task = start_task(tmp_path, ":")
    os.killpg(task.pid, signal.SIGKILL)
    task.wait(20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extract.started", "ready"]

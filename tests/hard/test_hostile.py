"""Labels, names and cells that attack: they reach no other file, page or spreadsheet."""

import csv
import json

import pytest

from bids_brainage.bids.outputs import FORMULA, NUMBER
from tests.hard.app import app, contents, rows
from tests.people import Person, write_dataset

SCRIPT = "<script>alert(1)</script>"
HANDLER = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "words",
    [
        ["--participant-label", "../../x"], ["--participant-label", ".."],
        ["--participant-label", "/etc"], ["--participant-label", "sub-01/../../x"],
        ["--participant-label", "*"], ["--participant-label", "01", "--session-label", "../x"],
        ["--participant-label", "$(touch x)"], ["--participant-label", "\x1b[31m01"],
    ],
)  # fmt: skip
def test_labels_that_are_no_labels_select_nothing(trio, tmp_path, words):
    before = contents(tmp_path)
    done = app(trio, tmp_path / "out", "participant", *words)
    assert done.code == 18 and contents(tmp_path) == before


@pytest.fixture
def hostile(tmp_path, typical):
    """A dataset whose every text is an attack."""
    people = [Person("01", measures=typical), Person("02", measures=typical)]
    bids = write_dataset(tmp_path / "bids", people)
    prep = bids / "derivatives" / "fmriprep"
    for folder, more in (
        (bids, {"Name": f'=cmd()|" {SCRIPT}{HANDLER}'}),
        (prep, {"GeneratedBy": [{"Name": f"fMRIPrep {SCRIPT}", "Version": HANDLER}]}),
    ):
        path = folder / "dataset_description.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | more))
    (bids / "participants.tsv").write_text(
        f"participant_id\tage\tsex\t{SCRIPT}\nsub-01\t=1+1\t{SCRIPT}\t@x\nsub-02\t31\t=M\t-1+2\n"
        "../../sub-01\t99\tF\t\n"
    )
    (bids / "participants.json").write_text(
        json.dumps({"age": {"Units": SCRIPT}, "sex": {"Levels": {"=M": SCRIPT}}})
    )
    stats = prep / "sourcedata" / "freesurfer" / "sub-02" / "stats" / "aseg.stats"
    stats.write_text(
        stats.read_text().replace("# cvs_version ", f"# cvs_version {SCRIPT} ")
        + f"# Measure {SCRIPT}, {SCRIPT}, {HANDLER}, 3, {SCRIPT}\n"
    )
    func = prep / "sub-01" / "func"
    func.mkdir(parents=True)
    for name in (f"sub-01_task-rest_run-{HANDLER}_desc-preproc_bold.nii.gz",
                 "sub-01_task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"):  # fmt: skip
        (func / name).write_text("=cmd()")
    (func / "sub-01_task-rest_space-MNI152NLin6Asym_desc-preproc_bold.json").write_text(
        json.dumps({"RepetitionTime": "=2", "IntendedFor": "../../../../etc/passwd",
                    "Sources": ["../../../outside.nii.gz"]})
    )  # fmt: skip
    for name in ("sub-..", "sub-<b>", "sub-01;x"):
        (bids / name).mkdir()
    return bids


def test_pages_escape_what_they_show_and_tables_hold_no_formula(hostile, tmp_path):
    before = contents(tmp_path / "bids")
    output = tmp_path / "out"
    assert app(hostile, output, "participant", "group").code == 0
    assert [row["predicted_age"] != "n/a" for row in rows(output).values()] == [True, True]
    assert [row["age"] for row in rows(output).values()] == ["n/a", "31"]
    for page in output.rglob("*.html"):
        text = page.read_text()
        assert SCRIPT not in text and HANDLER not in text and 'src="http' not in text, page
    assert "&lt;script&gt;" in (output / "group_brainage.html").read_text()
    for path in output.rglob("*.tsv"):
        with path.open(newline="") as file:
            cells = [cell for line in csv.reader(file, delimiter="\t") for cell in line]
        assert not [c for c in cells if c.startswith(FORMULA) and not NUMBER.fullmatch(c)], path
    assert contents(tmp_path / "bids") == before
    assert {p.name for p in tmp_path.iterdir()} == {"bids", "out"}
    assert {p.name for p in output.glob("sub-*") if p.is_dir()} == {"sub-01", "sub-02"}


def test_files_of_an_output_that_point_elsewhere_are_not_followed(trio, tmp_path):
    output = tmp_path / "out"
    assert app(trio, output, "participant", "--stage", "extract").code == 0
    secret = tmp_path / "secret.tsv"
    secret.write_text("measure\tvalue\tunit\nsecret\t1\tmm\n")
    log = output / "sub-01" / "sub-01_desc-extraction_log.json"
    content = json.loads(log.read_text())
    for name in ("../secret.tsv", str(secret)):
        content["derivatives"]["morphometry"] = name
        log.write_text(json.dumps(content))
        done = app(trio, output, "participant", "--stage", "predict", "--force")
        row = rows(output).get("sub-01")
        assert done.code == 1 and (row is None or row["predicted_age"] == "n/a")
        for page in output.glob("*.html"):
            assert "secret" not in page.read_text().replace("secret.tsv", "")

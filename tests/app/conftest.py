from pathlib import Path

import pytest

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.models.store import load_model
from tests.people import Person, network_series, write_dataset


@pytest.fixture(scope="session")
def typical() -> dict[str, float]:
    """Median measures of the shipped model's training people."""
    return dict(load_model("mavae")[1].inputs["morphometry"].typical)


@pytest.fixture(scope="session")
def crowd(tmp_path_factory, typical) -> tuple[Path, Path, int, list[str]]:
    """A dataset of good and broken participants, its output, exit code and printed lines."""
    root = tmp_path_factory.mktemp("crowd")
    larger = {name: 1.03 * value for name, value in typical.items()}
    people = [
        Person("01", age="30", sex="F", measures=typical, series=network_series(1)),
        Person("02", age="41.5", sex="M", measures=larger),
        Person("03", series=network_series(3)),
        Person("04", "a", age="22", sex="M", measures=typical),
        Person("04", "b", age="22", sex="M", measures=larger),
        Person("05", age="50", sex="F"),
        Person("06", age="50", sex="F", measures=typical, series=network_series(6)),
        Person("07", age="90", sex="F", measures=typical),
    ]
    bids = write_dataset(root / "bids", people)
    prep = bids / "derivatives" / "fmriprep"
    broken = next((prep / "sub-06" / "func").glob("*_bold.nii.gz"))
    broken.write_bytes(broken.read_bytes()[:2000])
    for stats in (prep / "sourcedata" / "freesurfer" / "sub-07" / "stats").iterdir():
        stats.write_text("not a table\n")
    (bids / "sub-01_a").mkdir()
    lines: list[str] = []
    code = run(RunConfig(bids, root / "out", levels=("participant", "group")), lines.append)
    return bids, root / "out", code, lines


@pytest.fixture(scope="session")
def rows(crowd) -> dict[tuple[str, str], dict[str, str]]:
    table = read_tsv(crowd[1] / "group_brainage.tsv")
    return {(row["participant_id"], row["session_id"]): row for row in table}

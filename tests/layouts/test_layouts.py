"""Real layouts against expectations written by hand; see docs/layouts.md."""

import csv
from pathlib import Path

import pytest

from benchmarks.layouts import FOUND, rows_of, unpack
from bids_brainage.app.plan import describe, make_plan
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.config import RunConfig

EXPECTED = Path(__file__).parent / "expected.tsv"
DOCUMENTED = Path(__file__).parents[2] / "docs" / "layouts.tsv"


def read_rows(path: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {(row["dataset"], row["images"], row["options"]): row for row in rows}


def plain(row: dict, names: tuple[str, ...]) -> dict[str, set[str]]:
    """Cells to compare; lists in any order."""
    return {name: set(str(row[name]).split("; ")) for name in names}


TABLE = read_rows(EXPECTED)
NAMES = sorted({dataset for dataset, _, _ in TABLE})


@pytest.fixture(scope="session")
def datasets(shared, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("examples")
    places = unpack(shared / "bids" / "bids-examples.tar.gz", folder)
    places += [path for room in ("bids", "deriv") for path in (shared / room).iterdir()]
    return {path.name: path for path in places if path.is_dir() and path.name != "confounds"}


def test_every_dataset_has_expectations(datasets):
    assert sorted(datasets) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_found_and_chosen_is_what_was_expected_by_hand(datasets, name):
    found = {
        (row["dataset"], row["images"], row["options"]): row for row in rows_of(datasets[name])
    }
    wanted = {key: row for key, row in TABLE.items() if key[0] == name}
    assert found.keys() == wanted.keys()
    for key, row in found.items():
        assert plain(row, FOUND) == plain(wanted[key], FOUND), key


def test_the_documented_table_is_what_was_expected_by_hand():
    documented = read_rows(DOCUMENTED)
    assert documented.keys() == TABLE.keys()
    names = (*FOUND, "ran", "exit")
    for key, row in documented.items():
        assert plain(row, names) == plain(TABLE[key], names), key


@pytest.mark.parametrize("name", ["ds000248", "ds210", "pet002", "synthetic", "xeeg_hed_score"])
def test_a_dry_run_says_why_there_is_nothing_to_use(datasets, name):
    plan = make_plan(RunConfig(datasets[name], Path("/nowhere")))
    lines = list(describe(plan))
    assert lines[-1].startswith(f"{len(plan.keys)} sessions, ")
    for number, line in enumerate(lines):
        if line.strip() == "no usable input":
            assert any("note: " in later for later in lines[number + 1 : number + 6])


def test_a_filter_chooses_among_many_t1w(datasets, tmp_path):
    filters = tmp_path / "filter.json"
    filters.write_text('{"t1w": {"task": "still", "acquisition": "mpragePMCon"}}')
    plan = make_plan(RunConfig(datasets["ds004332"], Path("/nowhere"), bids_filter_file=filters))
    names = [
        p.name for k in plan.keys for p in find_inputs(plan.dataset, k, plan.selection).raw_t1w
    ]
    wanted = "task-still_acq-mpragePMCon_rec-wore_T1w.nii"
    # Empty images count as found, though they cannot be chosen.
    assert names == [f"sub-01_{wanted}", f"sub-02_{wanted}"]

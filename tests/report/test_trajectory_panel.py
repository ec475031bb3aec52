import pytest

from bids_brainage.bids import outputs
from bids_brainage.records.trajectory import columns
from bids_brainage.report.participant import write_participant_report
from bids_brainage.report.trajectory_panel import known_ages, strongest
from tests.report.page import Page

AGES = (20.0, 40.0, 60.0)


def row(measure, contribution, value=2.0, deviation=0.5):
    by_age = {f"{what}_{age:g}": 2.1 for what in ("at", "expected") for age in AGES}
    spread = {f"spread_{age:g}": 0.2 for age in AGES}
    return {"measure": measure, "value": value, "expected": 2.1, "spread": 0.2,
            "deviation": deviation, "contribution": contribution, **by_age, **spread}  # fmt: skip


@pytest.fixture
def aged(tree, key):
    """A session with a few measures that make it look older or younger."""
    tree.predictions(key)
    tree.log(key)
    rows = [
        row("lh_G_temporal_middle_thickness", 2.5),
        row("Left-Hippocampus", -1.25, value=4100.0),
        row("3rd-Ventricle", 0.001),
        row("lh_G_rectus_thickness", 0.0, value=None, deviation=None),
    ]
    table, sidecar = outputs.trajectory_files(tree.root, key)
    outputs.write_tsv(table, rows, list(columns(AGES)))
    about = {"Model": "cvae", "Version": "1", "SHA256": "0" * 64, "Age": 31.5, "AgeKnown": True,
             "Sex": "F", "SexKnown": True, "InvertedAge": 44.0, "Warnings": []}  # fmt: skip
    outputs.write_json(sidecar, about)
    return tree, table, sidecar, about


def text_of(tree):
    return " ".join(Page(write_participant_report(tree.root, "01")).text.split())


def test_the_page_shows_the_figure_and_says_what_it_is_not(aged):
    page = Page(write_participant_report(aged[0].root, "01"))
    assert "trajectory" in page.all("section", "id")
    assert [s for s in page.all("img", "src") if "trajectory" in s] == [
        "sub-01/figures/sub-01_desc-trajectory_morph.svg"
    ]
    (alt,) = (a for a in page.all("img", "alt") if "curves by age" in a)
    assert "Left middle temporal gyrus +2.5 years, Left hippocampus −1.2 years" in alt
    text = " ".join(page.text.split())
    assert "that age is 44.0 years" in text and "expects of women" in text
    assert "0 of 3 measures (0 %) lie beyond two standard deviations" in text
    assert "no forecast for this person" in text and "For research only" in text
    assert "model cvae" in text and "Kingma and Welling" in text


def test_what_had_to_be_assumed_is_told(aged):
    tree, _, sidecar, about = aged
    told = ["the age is not known: compared with others"]
    outputs.write_json(sidecar, about | {"AgeKnown": False, "Age": 44.0, "Warnings": told})
    text = text_of(tree)
    assert "at the fitting age of 44.0 years" in text
    assert "Mind: the age is not known" in text


def test_many_deviations_are_put_down_to_the_scan(aged):
    tree, table, *_ = aged
    rows = [row(f"lh_G_{i}_thickness", 0.5, deviation=-3.0) for i in range(4)]
    outputs.write_tsv(table, rows, list(columns(AGES)))
    assert "rather tell of the scanner" in text_of(tree)


def test_figures_of_a_table_that_is_gone_are_removed(aged):
    tree, *files, _ = aged
    write_participant_report(tree.root, "01")
    for path in files:
        path.unlink()
    page = Page(write_participant_report(tree.root, "01"))
    assert "trajectory" not in page.all("section", "id")
    assert not list((tree.root / "sub-01" / "figures").glob("*trajectory*"))
    assert "Measures at other ages" not in page.text


@pytest.mark.parametrize("content", ["measure\nx\n", "", "a\tb\n1\t2\n"])
def test_a_damaged_table_costs_its_figure_alone(aged, content):
    tree, table, *_ = aged
    table.write_text(content)
    page = Page(write_participant_report(tree.root, "01"))
    assert "answer" in page.all("section", "id")
    assert "trajectory" not in page.all("section", "id")


def test_the_strongest_both_ways_are_chosen():
    rows = [{"contribution": str(value)} for value in (0.004, -3, 2, 0.5, -0.2, "n/a")]
    assert [r["contribution"] for r in strongest(rows, 1)] == ["2", "-3"]
    assert [r["contribution"] for r in strongest(rows)] == ["2", "0.5", "-0.2", "-3"]


def test_ages_are_read_from_the_columns():
    assert known_ages([{"expected_60": "1", "expected_5.5": "1", "expected": "1", "at_7": ""}]) == [
        5.5, 60
    ]  # fmt: skip
    assert known_ages([]) == []

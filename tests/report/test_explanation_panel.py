import pytest

from bids_brainage.bids import outputs
from bids_brainage.records.explanation import COLUMNS
from bids_brainage.report.explanation_panel import bars, strongest
from bids_brainage.report.participant import write_participant_report
from tests.report.conftest import REGIONS
from tests.report.page import Page


def row(modality, level, name, years):
    return {"model": "mavae", "modality": modality, "level": level, "name": name,
            "contribution": years}  # fmt: skip


@pytest.fixture
def explained(tree, key):
    """A session with regions, lobes and connections that add or take years."""
    centres = {name: [(-1) ** i * 30.0, 10.0 * i - 60, 20.0] for i, name in enumerate(REGIONS)}
    tree.predictions(key)
    tree.log(key)
    tree.connectivity(key, sidecar={"RegionCentroids": centres})
    rows = [
        row("morphometry", "group", "Frontal", 1.25),
        row("morphometry", "region", "Left <b>gyrus</b>", 2.0),
        row("morphometry", "region", "Right cuneus", -0.75),
        row("connectivity", "group", "Frontal", 0.5),
        row("connectivity", "region", "Left Frontal Pole", 0.5),
        row("connectivity", "measure", f"{REGIONS[0]}~{REGIONS[1]}", 0.4),
        row("connectivity", "measure", f"{REGIONS[4]}~{REGIONS[9]}", -0.2),
    ]
    table, sidecar = outputs.explanation_files(tree.root, key)
    outputs.write_tsv(table, rows, list(COLUMNS))
    about = {"mavae": {"PredictedAgeOfTypicalPerson": 21.0, "PredictedAge": 34.25}}
    outputs.write_json(sidecar, {"Models": about})
    return tree


def test_the_page_shows_bars_and_a_glass_brain_and_says_what_they_mean(explained, key):
    page = Page(write_participant_report(explained.root, "01"))
    assert "explanation" in page.all("section", "id")
    sources = [s for s in page.all("img", "src") if "explanation" in s]
    assert [s.rpartition("_")[2] for s in sources] == [
        "morphometry.svg", "connectivity.svg", "connectivityedges.svg"
    ]  # fmt: skip
    text = " ".join(page.text.split())
    assert "apparent age of this scan, not about a rate of ageing" in text
    assert "predicts 21.0 years for the typical person" in text
    assert "The 2 connections" in text


def test_figures_of_an_explanation_that_is_gone_are_removed(explained, key):
    write_participant_report(explained.root, "01")
    for path in outputs.explanation_files(explained.root, key):
        path.unlink()
    page = Page(write_participant_report(explained.root, "01"))
    assert "explanation" not in page.all("section", "id")
    assert not list((explained.root / "sub-01" / "figures").glob("*explanation*"))


def test_a_damaged_table_costs_its_figures_alone(explained, key):
    outputs.write_text(outputs.explanation_files(explained.root, key)[0], "model\nmavae\n")
    page = Page(write_participant_report(explained.root, "01"))
    assert "No figure of the explanation" in page.text
    assert "answer" in page.all("section", "id")


def test_the_strongest_both_ways_are_chosen():
    named = [(str(i), float(i)) for i in range(-20, 21)]
    chosen = [value for _, value in strongest(named, 3)]
    assert chosen == [20, 19, 18, -18, -19, -20]
    assert strongest([("a", 0.0)]) == []


def test_long_names_and_one_bar_alone_are_drawn():
    name = "Left Middle Temporal Gyrus temporooccipital part anterior division of the left"
    assert bars([(name, 0.2)], [("Temporal", 0.2)]).lstrip().startswith("<?xml")

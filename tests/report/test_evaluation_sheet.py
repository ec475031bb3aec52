import numpy as np
import pytest
from PIL import Image

from bids_brainage.evaluation.evaluate import compare, evaluate_model
from bids_brainage.report.evaluation_figures import PANELS
from bids_brainage.report.evaluation_sheet import write_sheet
from tests.evaluation.made_up import make_people
from tests.report.page import Page


@pytest.fixture
def everything():
    """A model with sexes, head sizes, intervals and repeats."""
    people = make_people(60, sessions=2)
    head = 1500 - 100 * people.female + np.random.default_rng(0).normal(0, 80, 120)
    return make_people(
        60, sessions=2, head=head, lower=people.predicted - 6, upper=people.predicted + 6
    )


def write(folder, models, notes=()):
    found = {name: evaluate_model(name, people, draws=30) for name, people in models.items()}
    write_sheet(folder, found, compare(models, draws=30), notes)
    return Page(folder / "evaluation.html")


def test_the_sheet_says_everything(everything, tmp_path):
    models = {"mavae": everything, "fusion": make_people(60, sessions=2, error=2.0)}
    page = write(tmp_path, models, ["t.tsv: of 9 rows left out: 1 without an age"])
    for text in (
        "of 9 rows left out",
        "Accuracy",
        "Calibration lines",
        "Coverage of intervals",
        "AUC at equal head size",
        "second is better",
        "ICC(2,1)",
        "north",
    ):
        assert text in page.text
    # The fusion has neither intervals nor head sizes.
    assert "n/a" in page.text


def test_the_sheet_loads_nothing_and_shows_a_figure_per_model(everything, tmp_path):
    page = write(tmp_path, {"a": everything, "b": make_people()})
    sources = page.all("img", "src")
    assert len(sources) == 2
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert page.all("script", "src") == []


def test_the_figure_is_written_twice(everything, tmp_path):
    write(tmp_path, {"a": everything})
    assert (tmp_path / "evaluation.svg").read_text().startswith("<?xml")
    with Image.open(tmp_path / "evaluation.png") as picture:
        assert picture.width > 5 * picture.height


def test_every_panel_is_drawn_only_where_it_fits(everything):
    full = evaluate_model("m", everything, draws=10)
    bare = evaluate_model("m", make_people(6, female=np.full(6, np.nan), sessions=1), draws=10)
    assert all(fits(full) for _, fits in PANELS)
    assert sum(fits(bare) for _, fits in PANELS) == 3


def test_two_people_of_one_age_are_drawn(tmp_path):
    people = make_people(2, age=np.array([20.0, 20.0]), predicted=np.array([25.0, 25.0]))
    assert "n/a" in write(tmp_path, {"m": people}).text


def test_perfect_predictions_are_drawn(tmp_path):
    people = make_people(40)
    assert "0.00" in write(tmp_path, {"m": make_people(40, predicted=people.age)}).text


def test_names_are_text(everything, tmp_path):
    page = write(tmp_path, {"<b>übel</b> $x_1$ " + "long" * 20: everything})
    assert "b" not in {tag for tag, _ in page.tags}

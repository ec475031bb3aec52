"""What the pages say agrees with the package."""

import csv
import re

import pytest

from bids_brainage import errors
from bids_brainage.cli.shell import INTERRUPTED, TERMINATED
from bids_brainage.records.prediction import columns
from tests.docs.messages import raised, texts
from tests.docs.pages import DOCS, ROOT, hooks, rows, text

TROUBLE = DOCS / "troubleshooting.md"
HEADERS = (("message", "cause", "what to do"), ("note", "cause", "what to do"))
# Errors that end a run, in the rooms that a run goes through.
STOPPING = {"UsageError", "DatasetError", "SelectionError", "MissingInputError", "OutputError"}
ROOMS = ("bids", "app", "preprocessing", "predict", "cli/app_config.py")
# Of brainage verbs, which take files by hand.
ELSEWHERE = {"no such table", "… …"}


def test_every_column_is_explained():
    page = text(DOCS / "outputs.md")
    assert [name for name in columns() if f"| `{name}` |" not in page] == []


def test_every_option_is_listed():
    page = text(DOCS / "usage.md")
    for option in ("--participant-label", "--batch", "--stage", "--bids-filter-file"):
        assert f"`{option}" in page
    assert "### brainage train mavae" in page


def test_every_made_part_has_a_maker():
    for path in DOCS.glob("*.md"):
        assert "<!-- made:" not in text(path), path.name


def test_every_exit_code_is_explained():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.BrainAgeError)}
    listed = {
        int(cells[0].content) for cells in rows(DOCS / "usage.md", "code", "meaning", "what to do")
    }
    assert listed == codes | {0, INTERRUPTED, TERMINATED}


def quoted():
    for header in HEADERS:
        for cells in rows(TROUBLE, *header):
            yield from (t.content for t in cells[0].children if t.type == "code_inline")


def test_quoted_messages_are_in_the_source():
    known = texts()
    unknown = [m for m in quoted() if not any(m.strip("… ") in t for t in known)]
    assert unknown == []


def test_every_error_that_ends_a_run_is_explained():
    page = "\n".join(quoted())
    messages = {m for kind, m in raised(*ROOMS) if kind in STOPPING} - ELSEWHERE
    assert [m for m in sorted(messages) if m.strip("… ") not in page] == []


def scores(name, **wanted):
    with (DOCS / name).open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t")
        return [r for r in table if all(r[k] == v for k, v in wanted.items())]


MODELS = {
    "guess the median": ("guess the median", "connected"),
    "random forest": ("random forest", "connected"),
    "support vector regression": ("support vector regression", "connected"),
    "ridge": ("ridge", "connected"),
    "gradient boosting": ("gradient boosting", "connected"),
    "stack of one log-age SVR per modality": (
        "stack of support vector regressions", "connected"),
    "the same, morphometry trained on all samples": (
        "stack of support vector regressions", "all"),
    "the same, tuned, on the M-AVAE's own features": (
        "stack on the M-AVAE's features, tuned", "connected"),
    "tuned stack of SVRs on the same features": (
        "stack on the M-AVAE's features, tuned", "connected"),
    "adversarial autoencoder, both (not variational)": ("M-AAE (not variational)", "all"),
    "M-AVAE": ("M-AVAE", "all"),
}  # fmt: skip


@pytest.mark.parametrize("page", [DOCS / "models.md", ROOT / "README.md"], ids=lambda p: p.name)
def test_errors_in_years_are_those_of_the_cross_validation(page):
    found = 0
    for cells in rows(page, "model", "morphometry", "connectivity", "both"):
        label = cells[0].content.strip("*")
        for cell, inputs in zip(cells[1:], ("morphometry", "connectivity", "both"), strict=True):
            if label not in MODELS:
                continue
            model, trained_on = MODELS[label]
            row = scores("mavae_crossval.tsv", model=model, inputs=inputs, trained_on=trained_on)[0]
            numbers = [float(n) for n in re.findall(r"\d*\.\d+", cell.content)]
            assert numbers[0] == pytest.approx(float(row["mae"]), abs=0.0051), (label, inputs)
            if len(numbers) > 1:
                assert numbers[1] == pytest.approx(float(row["sex_auc"]), abs=0.0051), label
            found += 1
    assert found >= 9


def test_every_change_is_on_the_page():
    changes = (ROOT / "CHANGES.md").read_text(encoding="utf-8").splitlines()[2:]
    assert all(line in hooks().changes() for line in changes)

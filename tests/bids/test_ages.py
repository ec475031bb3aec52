import pytest

from bids_brainage.bids.ages import MISSING, parse_age, unit_of


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("25", 25), ("25.5", 25.5), ("25,5", 25.5), (" 25 ", 25), ("+25", 25), ("0", 0),
        ("25Y", 25), ("025Y", 25), ("25 years", 25), ("25 yrs.", 25), ("25 years old", 25),
        ("25yo", 25), ("25 y.o.", 25), ("300M", 25), ("018M", 1.5), ("6 months", 0.5),
        ("3653D", 10), ("522 weeks", 10), ("P25Y", 25), ("P25Y6M", 25.5), ("P300M", 25),
        ("25 years 6 months", 25.5), ("25y6m", 25.5), ("2.5e1", 25), ("120", 120),
    ],
)  # fmt: skip
def test_plain_ages_are_read_without_a_note(text, years):
    age, note = parse_age(text)
    assert age == pytest.approx(years, abs=0.01) and note == ""


@pytest.mark.parametrize(
    ("text", "years", "said"),
    [
        ("89+", 89, "at least"), (">89", 89, "at least"), (">=90", 90, "at least"),
        ("90 and over", 90, "at least"), ("90 or older", 90, "at least"),
        ("over 89", 89, "at least"),
        ("89Y+", 89, "at least"), ("<18", 18, "at most"), ("under 18", 18, "at most"),
        ("20-25", 22.5, "range"), ("20 - 25", 22.5, "range"), ("20–25", 22.5, "range"),
        ("20 to 25 years", 22.5, "range"), ("[20, 25)", 22.5, "range"), ("35-40", 37.5, "range"),
    ],
)  # fmt: skip
def test_censored_and_binned_ages_are_noted(text, years, said):
    age, note = parse_age(text)
    assert age == years and said in note and text in note


@pytest.mark.parametrize("text", sorted(MISSING) + ["N/A", "NaN", "NA", "None"])
def test_missing_ages_are_missing(text):
    assert parse_age(text) == (None, "age is missing")


@pytest.mark.parametrize("text", ["-5", "121", "1000", "1e300", "1e999"])
def test_implausible_ages_are_refused(text):
    assert parse_age(text)[0] is None


@pytest.mark.parametrize(
    "text", ["adult", "12x", "25-20", "1990-01-02", "25-Mar", "25 5", "P", "++", "x" * 200_000]
)
def test_unreadable_ages_are_refused_with_a_short_note(text):
    age, note = parse_age(text)
    assert age is None and "cannot be read" in note and len(note) < 200


def test_the_unit_of_the_column_counts_for_bare_numbers_only():
    assert parse_age("300", "months")[0] == 25
    assert parse_age("25Y", "months")[0] == 25
    assert parse_age("3652.5", "days")[0] == 10
    assert parse_age("240-300", "months")[0] == 22.5


@pytest.mark.parametrize(
    ("text", "unit"),
    [("years", "years"), ("Years, with one quantile precision", "years"), ("year", "years"),
     ("Age in months", "months"), ("yo", "years"), ("weeks", "weeks"), ("d", "days"), ("mm", None)],
)  # fmt: skip
def test_units_are_found_in_phrases(text, unit):
    assert unit_of(text) == unit

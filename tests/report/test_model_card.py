import re

import pytest

from bids_brainage.cli import tool_command
from bids_brainage.models.find import list_models
from bids_brainage.report.model_card import WIDTH, as_text, sections
from tests.models.test_cards import make_card

CARDS = {card.name: card for card in list_models()}
WANTED = ("Purpose", "Facts", "Trained on", "Known failures", "Ethics", "References")


@pytest.mark.parametrize("name", sorted(CARDS))
def test_a_shipped_card_has_every_section(name):
    titles = [part.title for part in sections(CARDS[name])]
    assert set(WANTED) <= set(titles)
    assert any(title.startswith("Accuracy") for title in titles)


@pytest.mark.parametrize("name", sorted(CARDS))
def test_it_fits_a_terminal(name):
    long = [line for line in as_text(CARDS[name]).splitlines() if len(line) > WIDTH]
    assert all(re.fullmatch(r".*\s\S{40,}", line) for line in long)


def test_accuracy_stands_beside_guessing_and_intervals_by_sample_and_decade():
    found = {part.title: part for part in sections(CARDS["mavae"])}
    accuracy = found["Accuracy by sample and decade (years)"]
    assert "MAE of guessing" in accuracy.header and "mae_median" not in accuracy.words[0]
    assert {"all", "nki", "abide1", "60 to 69 years"} <= {row[1] for row in accuracy.rows}
    who = {row[1] for row in found["Intervals by sample and decade"].rows}
    assert {"all", "nki", "50 to 59 years"} <= who


def test_a_card_that_says_little_has_few_sections():
    titles = [part.title for part in sections(make_card(training=(), metrics={}))]
    assert titles == ["Purpose", "Facts"]


def test_models_info_is_readable_and_json_with_the_option(capsys):
    assert tool_command.main(["models", "info", "volumes"]) == 0
    text = capsys.readouterr().out
    assert "Known failures\n--------------\n- " in text and "card.json" in text
    assert tool_command.main(["models", "info", "volumes", "--json"]) == 0
    assert capsys.readouterr().out.startswith("{")

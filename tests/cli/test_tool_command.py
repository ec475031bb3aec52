import pytest

from bids_brainage.cli.tool_command import build_parser, main
from tests.models.test_cards import make_card


@pytest.mark.parametrize("family", ["mavae", "volumes", "resunet"])
@pytest.mark.parametrize("verb", ["train", "crossval", "test"])
def test_every_family_has_the_verbs(verb, family):
    options = build_parser().parse_args([verb, family, "data", "--output", "there", "-v"])
    assert (options.verb, options.family, options.verbose) == (verb, family, True)
    assert callable(options.work)


@pytest.mark.parametrize("family", ["tsan", "resnext"])
@pytest.mark.parametrize("verb", ["train", "crossval", "test"])
def test_families_of_images_have_the_verbs(verb, family):
    words = [verb, family, "images", "--table", "people.tsv", "--output", "there"]
    options = build_parser().parse_args([*words, *(["--model", "m"] if verb == "test" else [])])
    assert (options.family, str(options.table)) == (family, "people.tsv")
    assert callable(options.work)


def test_a_verb_without_a_family_is_a_usage_error(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train"])
    assert "FAMILY" in capsys.readouterr().err


def test_models_list_says_what_is_experimental(capsys, tmp_path, monkeypatch):
    cards = [
        make_card(name="old"),
        make_card(name="new", age_range={}, experimental=True, default=False),
    ]
    monkeypatch.setattr("bids_brainage.models.find.list_models", lambda: cards)
    assert main(["models", "list"]) == 0
    head, new_first, new_second = (
        line.split("\t") for line in capsys.readouterr().out.splitlines()
    )
    at = head.index
    assert (new_first[at("ages")], new_first[at("used")]) == ("6-84", "by default")
    assert new_second[at("status")] == "experimental"
    assert (new_second[at("ages")], new_second[at("used")]) == ("n/a", "when asked for")

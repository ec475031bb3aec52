import pytest

from bids_brainage.cli.tool_command import build_parser


@pytest.mark.parametrize("family", ["mavae", "resunet"])
@pytest.mark.parametrize("verb", ["train", "crossval", "test"])
def test_every_family_has_the_verbs(verb, family):
    options = build_parser().parse_args([verb, family, "data", "--output", "there", "-v"])
    assert (options.verb, options.family, options.verbose) == (verb, family, True)
    assert callable(options.work)


def test_a_verb_without_a_family_is_a_usage_error(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train"])
    assert "FAMILY" in capsys.readouterr().err

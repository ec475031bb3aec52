import pytest

from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.config import GroupOptions
from bids_brainage.errors import UsageError


def options(*arguments, level="group"):
    return to_config(build_parser().parse_args(["/data", "/out", level, *arguments])).group


def test_without_options_the_group_level_only_gathers():
    assert options() == GroupOptions()


def test_options_of_the_group_level_are_read():
    found = options("--bias-fit", "group == 'control'", "--bias-method", "cole", "--harmonise",
                    "combat", "--site-column", "scanner", "--group-by", "group", "BDI",
                    "--group-by", "sex", "--covariates", "sex", "--nipoppy-table")  # fmt: skip
    assert found == GroupOptions(
        "group == 'control'", "cole", "combat", "scanner", ("group", "BDI", "sex"), ("sex",), True
    )


def test_a_fit_without_a_condition_is_on_everyone():
    assert options("--bias-fit").bias_fit == "everyone"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bias-method", "cole"], "--bias-method has no effect without --bias-fit"),
        (["--covariates", "sex"], "--covariates has no effect without --group-by"),
        (["--site-column", "site"], "--site-column has no effect without"),
        (["--bias-fit", "import os"], "not a condition"),
    ],
)
def test_options_that_do_nothing_or_cannot_be_read_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        options(*arguments)


@pytest.mark.parametrize(
    "arguments", [["--bias-fit"], ["--harmonise", "combat"], ["--group-by", "x"]]
)
def test_they_need_the_group_level(arguments):
    with pytest.raises(UsageError, match="without the group level"):
        options(*arguments, level="participant")

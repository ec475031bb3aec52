import pytest

from bids_brainage.bids.expression import read_condition
from bids_brainage.errors import UsageError

ROW = {"group": "control", "age": "31.5", "code": "01", "IQ (total)": "n/a", "visit": "2"}


@pytest.mark.parametrize(
    "text",
    [
        "group == 'control'",
        'group != "depr"',
        "age > 18 and age <= 31.5",
        "18 < age < 40",
        "group in ['control', 'healthy']",
        "group not in ('patient',)",
        "not group == 'depr'",
        "code == 1 and code == '01'",
        "visit > -1",
        "age >= 90 or group == 'control'",
        "visit < age",
    ],
)
def test_conditions_that_hold(text):
    assert read_condition(text).holds(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "group == 'Control'",
        "code == '1'",
        "group == 1",
        "group > 1",
        "`IQ (total)` > 90",
        "`IQ (total)` != 90",
        "not `IQ (total)` > 90",
        "absent == 'x'",
        "`IQ (total)` not in [1, 2]",
    ],
)
def test_conditions_that_do_not(text):
    assert not read_condition(text).holds(ROW)


def test_columns_are_told_in_order():
    found = read_condition("`IQ (total)` > 90 and (group == 'a`b' or not age < 3)")
    assert found.names == ("IQ (total)", "group", "age")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "group",
        "group = 'control'",
        "group == ",
        "__import__('os').system('true') == 0",
        "group.lower() == 'control'",
        "group.__class__ == 1",
        "age + 1 > 3",
        "[x for x in group] == 1",
        "(lambda: 1)() == 1",
        "group == f'{age}'",
        "group in age",
        "group is None",
        "age > 10**100",
        "group[0] == 'c'",
        "@x == 1",
        "group == b'x'",
        "age == True",
        "(" * 500 + "age == 1" + ")" * 500,
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(UsageError, match="not a condition"):
        read_condition(text, "--bias-fit")


def test_a_condition_without_a_column_is_refused():
    with pytest.raises(UsageError, match="names no column"):
        read_condition("1 == 1")

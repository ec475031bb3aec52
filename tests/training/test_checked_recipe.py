from dataclasses import dataclass

import pytest

from bids_brainage.errors import UsageError
from bids_brainage.training.checked_recipe import CheckedRecipe


@dataclass(frozen=True)
class Options(CheckedRecipe):
    epochs: int = 3
    rate: float = 0.1
    flip: bool = False
    kind: str = "plain"
    widths: tuple[int, ...] = (8, 4)
    seed: int = 0


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 1.5}, {"epochs": True}, {"rate": "fast"}, {"rate": float("nan")}, {"rate": -1},
     {"flip": 1}, {"kind": 3}, {"widths": 8}, {"seed": -1}, {"seed": 2**32}],
)  # fmt: skip
def test_options_of_another_kind_and_below_zero_are_refused_by_name(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Options().changed(**wrong)


def test_a_whole_number_stands_for_a_number():
    assert Options(rate=1).as_dict()["rate"] == 1


def test_each_requirement_names_the_option_that_breaks_it():
    options = Options(epochs=0, rate=1.0, kind="odd", widths=(8, 0))
    with pytest.raises(UsageError, match="epochs = 0"):
        options.require_above_zero("rate", "epochs")
    with pytest.raises(UsageError, match=r"rate = 1\.0"):
        options.require_shares("epochs", "rate")
    with pytest.raises(UsageError, match="kind = odd"):
        options.require("kind", ("plain",))
    with pytest.raises(UsageError, match="widths"):
        options.require_whole_numbers("widths")

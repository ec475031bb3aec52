import pickle

import pytest

from bids_brainage import errors
from bids_brainage.errors import BrainAgeError, InputError

CODES = {"UsageError": 2, "DatasetError": 16, "SelectionError": 18, "MissingInputError": 66,
         "OutputError": 73, "InputError": 1, "ModelError": 66}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_exit_codes_are_the_documented_ones(name, code):
    assert getattr(errors, name).exit_code == code


def test_message_says_value_place_and_next_step():
    error = InputError("age '12x'", place="participants.tsv", hint="write a number in years")
    assert str(error) == "age '12x' (participants.tsv). Write a number in years."


def test_errors_survive_the_trip_between_processes():
    error = InputError("value", place="place", hint="hint")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, BrainAgeError)
    assert (str(again), again.place, again.hint) == (str(error), "place", "hint")

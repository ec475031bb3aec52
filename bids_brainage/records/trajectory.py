"""Columns of the table of a brain at other ages."""

from collections.abc import Sequence
from typing import Any

SEX_WORDS = {"F": "women", "M": "men"}
OWN: dict[str, dict[str, Any]] = {
    "measure": {"Description": "Name of the measure."},
    "value": {
        "Description": "The measure of this session, in mm (thickness) or mm3 (volume); n/a where "
        "missing."
    },
    "expected": {
        "Description": "Mean of people of this age and sex after the model, of volumes the "
        "geometric one, in the same unit. The sidecar tells the age and the sex, and whether they "
        "are known."
    },
    "spread": {
        "Description": "Standard deviation among people of this age and sex, in the same unit; of "
        "volumes half of what lies between one above and one below in logarithms."
    },
    "deviation": {
        "Description": "How many standard deviations the value lies above what is expected; of "
        "volumes in logarithms. Of a hundred measures some five lie beyond 2 in anyone."
    },
}
CONTRIBUTION: dict[str, Any] = {
    "Description": "What the measure adds to the age that fits the measures of this session after "
    "the model, compared with a typical person. A property of the model and of this "
    "scan, neither a cause nor a rate of ageing.",
    "Units": "years",
}
LONG: dict[str, dict[str, Any]] = {
    "measure": OWN["measure"],
    "age": {"Description": "Age that the row is about.", "Units": "years"},
    "most_likely": {
        "Description": "What the model takes for most likely at that age for a brain like this "
        "one, of the same sex."
    },
    "keeping_residual": {
        "Description": "The same with what the model cannot tell of this brain kept, so that it "
        "goes through the value at the person's own age."
    },
    "expected": {"Description": "Mean of people of that age and this sex."},
    "spread": {"Description": "Standard deviation among people of that age and this sex."},
}
DESCRIPTION = (
    "Measures of this session beside those of people of the same age and sex, and what a "
    "generative model takes for most likely at other ages. It is what the model learned from "
    "different people of different ages, not a forecast for this person, and no cause. For "
    "research; not for clinical use."
)


def by_age(ages: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Describe the columns of each age: ``at_20``, ``expected_20`` and ``spread_20``."""
    words = {
        "at": "Most likely for a brain like this one, of the same sex, at the age of {} years.",
        "expected": "Mean of people of this sex at the age of {} years.",
        "spread": "Standard deviation among people of this sex at the age of {} years.",
    }
    return {
        f"{name}_{age:g}": {"Description": text.format(f"{age:g}")}
        for name, text in words.items()
        for age in ages
    }


def columns(ages: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Describe all columns of a session's table."""
    return {**OWN, "contribution": CONTRIBUTION, **by_age(ages)}

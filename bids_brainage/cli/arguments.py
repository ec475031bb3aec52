"""Types and actions of command-line arguments."""

import argparse
import os
import re
from collections.abc import Mapping
from typing import Any

from bids_brainage.errors import UsageError


def labels(text: str) -> list[str]:
    """Split ``01,sub-02 03`` into labels; prefixes are taken off where the kind is known.

    Nothing, or a prefix alone, is what a script with an empty variable gives: it means nobody, and
    not everyone.
    """
    parts = [part for part in re.split(r"[,;\s]+", text) if part]
    if not parts or any(part.strip("/") in ("", "sub-", "ses-") for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} holds no label")
    return parts


def device(text: str) -> str:
    """Check the spelling of a device."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is none of auto, cpu, cuda, cuda:N")
    return text


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def millimetres(text: str) -> float:
    """Read a threshold above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of millimetres above 0")
    return value


class Extend(argparse.Action):
    """Collect values over spaces, commas and repeated options.

    A tuple stands for a default (of a configuration file), which the command line replaces.
    """

    def __call__(self, parser, namespace, values, option_string=None) -> None:  # noqa: D102
        earlier = getattr(namespace, self.dest)
        collected = list(earlier) if isinstance(earlier, list) else []
        for value in values:
            collected += value if isinstance(value, list) else [value]
        setattr(namespace, self.dest, collected)


def available_cpus() -> int:
    """CPUs this process may use (as a scheduler or container allows)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count(text: str) -> int:
    """Read a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def batch(text: str) -> tuple[int, int]:
    """Read ``I/N``, the I-th of N batches."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N")
    return int(match[1]), int(match[2])


def slurm_batch(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Read the batch of a Slurm array task; None outside of an array.

    Raises
    ------
    UsageError
        If the array is a part of a larger one, whose size its variables do not tell.
    """
    if "SLURM_ARRAY_TASK_ID" not in environment:
        return None
    words = [environment.get(f"SLURM_ARRAY_TASK_{name}", "") for name in ("ID", "MIN", "MAX")]
    count_of = environment.get("SLURM_ARRAY_TASK_COUNT", "")
    if all(word.isdecimal() for word in (*words, count_of)):
        task, first, last = map(int, words)
        if first in (0, 1) and last - first + 1 == int(count_of) and first <= task <= last:
            return task - first + 1, int(count_of)
    raise UsageError(
        f"task {words[0]} of a Slurm array from {words[1]} to {words[2]} with {count_of} tasks: "
        "the batch is not clear",
        place="SLURM_ARRAY_TASK_ID",
        hint="--batch I/N says which share of the participants this task has",
    )


def setting_value(text: str) -> Any:
    """Read the value of ``--set option=value``: a number, true, false, a list or a word."""
    if text in ("true", "false"):
        return text == "true"
    if "," in text:
        return tuple(setting_value(part) for part in text.split(",") if part)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

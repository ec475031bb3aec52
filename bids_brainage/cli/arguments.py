"""Types and actions of command-line arguments."""

import argparse
import os
import re
from typing import Any


def labels(text: str) -> list[str]:
    """Split ``01,sub-02 03`` into labels; prefixes are taken off where the kind is known."""
    return [part for part in re.split(r"[,\s]+", text) if part]


def device(text: str) -> str:
    """Check the spelling of a device."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is none of auto, cpu, cuda, cuda:N")
    return text


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
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
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


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

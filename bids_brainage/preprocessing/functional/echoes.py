"""Choose one echo of a multi-echo run."""

from collections import defaultdict
from collections.abc import Sequence

from bids_brainage.preprocessing.functional.load import metadata_number
from bids_brainage.records.raw import RawBold

_T2_STAR = {"low": 0.045, "usual": 0.032, "high": 0.025}  # seconds, grey matter


def choose_echo(runs: Sequence[RawBold]) -> tuple[list[RawBold], list[str]]:
    """Keep one file of each run: of several echoes the one nearest to grey matter's T2*.

    Where echo times are not stated the second echo is kept.

    Returns
    -------
        Runs in the given order, and a note for each run with several echoes.
    """
    groups: dict[tuple, list[RawBold]] = defaultdict(list)
    for run in runs:
        groups[tuple(pair for pair in run.entities if pair[0] != "echo")].append(run)
    kept: list[RawBold] = []
    notes: list[str] = []
    for echoes in groups.values():
        chosen = echoes[0]
        if len(echoes) > 1:
            chosen, why = _choose(echoes)
            notes.append(f"{chosen.label}: {len(echoes)} echoes, only this one is used ({why})")
        kept.append(chosen)
    return kept, notes


def _choose(echoes: list[RawBold]) -> tuple[RawBold, str]:
    ordered = sorted(echoes, key=lambda run: _number(dict(run.entities).get("echo", "")))
    timed = [(run, metadata_number(run.metadata, "EchoTime")) for run in ordered]
    known = [(run, time / 1000 if time > 1 else time) for run, time in timed if time]
    if len(known) < len(ordered):
        return ordered[1], "echo times are not stated; the second is near T2* as a rule"
    wanted = _T2_STAR[_field(metadata_number(ordered[0].metadata, "MagneticFieldStrength"))]
    run, time = min(known, key=lambda pair: abs(pair[1] - wanted))
    return run, f"its {1000 * time:g} ms are nearest to T2* of about {1000 * wanted:g} ms"


def _field(tesla: float | None) -> str:
    if tesla is None or 2 < tesla < 5:
        return "usual"
    return "low" if tesla <= 2 else "high"


def _number(text: str) -> tuple[int, str]:
    return (int(text), text) if text.isdecimal() else (10**6, text)

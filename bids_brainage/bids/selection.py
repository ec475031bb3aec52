"""Which participants and sessions a command is about."""

import logging
import re
from collections.abc import Iterable, Sequence

from bids_brainage.bids.dataset import Dataset, recons_by_participant
from bids_brainage.bids.scan import natural_key, union_of_sessions
from bids_brainage.bids.text import printable
from bids_brainage.errors import SelectionError
from bids_brainage.records.session import SessionKey

logger = logging.getLogger(__name__)
SHOWN = 10


def split_labels(texts: Iterable[str], prefix: str) -> tuple[str, ...]:
    """Labels without prefix, once each, from any spelling (``01``, ``sub-01``, ``01,sub-02 03``).

    Parameters
    ----------
    prefix
        ``sub-`` or ``ses-``.
    """
    words = (word for text in texts for word in re.split(r"[\s,;]+", str(text)))
    labels = (word.strip("/").removeprefix(prefix) for word in words)
    return tuple(dict.fromkeys(label for label in labels if label))


def sessions_of(dataset: Dataset, participant: str) -> list[str]:
    """Session labels of a participant over all roots; ``[""]`` for one without sessions."""
    recons = [
        recon
        for home in dataset.freesurfer
        for recon in recons_by_participant(home).get(participant, ())
    ]
    return union_of_sessions(participant, dataset.image_roots, recons)


def select_sessions(
    dataset: Dataset,
    participant_labels: Sequence[str] = (),
    session_labels: Sequence[str] = (),
) -> list[SessionKey]:
    """Sessions to work on, in natural order.

    Parameters
    ----------
    participant_labels, session_labels
        As the user wrote them; empty for all. Labels that do not exist are warned about.

    Raises
    ------
    SelectionError
        If nothing remains.
    """
    wanted = split_labels(participant_labels, "sub-")
    sessions = split_labels(session_labels, "ses-")
    known = set(wanted)
    chosen = [label for label in dataset.participants if not known or label in known]
    problems = missing_labels("participant", "sub-", wanted, dataset.participants)
    keys: list[SessionKey] = []
    seen: set[str] = set()
    for participant in chosen:
        present = sessions_of(dataset, participant)
        seen.update(present)
        keys += [SessionKey(participant, s) for s in present if not sessions or s in sessions]
    if chosen:
        problems += missing_labels(
            "session", "ses-", sessions, sorted(seen - {""}, key=natural_key)
        )
    for problem in problems:
        logger.warning("%s", problem)
    if not keys:
        raise SelectionError(
            "; ".join(problems) or "the selection leaves no session",
            place=dataset.root,
            hint="the dataset has " + _available(chosen, seen, dataset),
        )
    return keys


def _available(chosen: list[str], seen: set[str], dataset: Dataset) -> str:
    if not chosen:
        return "participants " + _enumerate(dataset.participants)
    named = sorted(seen - {""}, key=natural_key)
    if named:
        return "sessions " + _enumerate(named)
    return "no sessions for these participants; leave out --session-label"


def _enumerate(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return printable(", ".join(labels[:SHOWN])) + more


def missing_labels(
    kind: str, prefix: str, wanted: Sequence[str], present: Sequence[str]
) -> list[str]:
    """What to tell of labels that are not there, and which ones were meant; empty if all are."""
    known = set(present)
    absent = [label for label in wanted if label not in known]
    if not absent:
        return []
    text = f"no {kind} {_enumerate([prefix + label for label in absent])}"
    similar = {alike for label in absent for alike in present if _alike(label, alike)}
    if similar:
        text += f" (did you mean {_enumerate(sorted(similar, key=natural_key))}?)"
    return [text]


def _alike(asked: str, present: str) -> bool:
    """Whether two labels differ only in leading zeros, case or a doubled prefix."""

    def simple(label: str) -> str:
        return re.sub(r"0*(\d+)", r"\1", label.lower().replace("sub-", "").replace("ses-", ""))

    return simple(asked) == simple(present)

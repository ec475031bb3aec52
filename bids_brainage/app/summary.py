"""What became of the sessions of a run: lines for the user, and the exit code."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from bids_brainage.app.say import Say
from bids_brainage.records.prediction import FUSION, session_status

MANY = 20
STATUSES = ("ok", "failed", "no_input")


class Summary:
    """Counts sessions by status and keeps the first reasons, so that it stays small.

    Parameters
    ----------
    what
        What the rows are, for the last line: ``predictions`` or ``features``.
    """

    def __init__(self, what: str = "predictions") -> None:
        self._what = what
        self._counts: Counter[str] = Counter()
        self._reasons: dict[bool, list[str]] = {True: [], False: []}
        self._told = 0

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Count sessions by their rows, which follow each other; see `session_status`."""
        for _, session in groupby(rows, itemgetter("participant_id", "session_id")):
            models = list(session)
            self._counts[session_status(models)] += 1
            # The headline says what the models say.
            told = [row for row in models if row.get("model") != FUSION] or models
            for row in told:
                self._tell(row)

    def _tell(self, row: Mapping[str, Any]) -> None:
        status, reason = row["status"], row.get("status_reason")
        bad = status != "ok"
        if not bad and reason in ("", "n/a", None):
            return
        self._told += 1
        if len(self._reasons[bad]) < MANY:
            session = "" if row["session_id"] == "n/a" else f" {row['session_id']}"
            model = f" ({row['model']})" if row.get("model") else ""
            self._reasons[bad].append(
                f"{status}: {row['participant_id']}{session}{model}: {reason}"
            )

    def finish(self, output_dir: Path, say: Say) -> int:
        """Say what failed or was left out and how many are ok; return 0, or 1 if any is not."""
        lines = (self._reasons[True] + self._reasons[False])[:MANY]
        for line in lines:
            say(line)
        if self._told > len(lines):
            say(f"… and {self._told - len(lines)} more: see the tables and logs")
        counts = ", ".join(f"{self._counts[status]} {status}" for status in STATUSES)
        say(f"{counts}; {self._what} are in {output_dir}")
        return 1 if sum(self._counts.values()) > self._counts["ok"] else 0

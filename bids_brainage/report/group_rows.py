"""What the group page needs of the group table, gathered in one pass over its rows.

Of thousands of sessions only numbers are kept, and the rows that the page shows.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from bids_brainage.records.group_columns import HARMONISED, REFIT
from bids_brainage.records.prediction import session_status
from bids_brainage.report.answer import known, yes
from bids_brainage.report.reading import number

MAX_ROWS = 1000
MAX_WHO = 20
NUMBERS = ("age", "predicted_age", "brain_age_gap", "brain_age_gap_corrected")
LIMITS = ("predicted_age_lower", "predicted_age_upper")
# Behind the quality columns stands what is of the prediction, not of the input.
OF_THE_MODEL = ("probability_older", "distribution_percentile", "predicted_age_spread")
GROUP_NUMBERS = (REFIT, HARMONISED)
DRAWN = {
    "t1w_snr": "T1w signal to noise",
    "t1w_cnr": "T1w contrast to noise",
    "registration_overlap": "Overlap with the template",
    "intracranial_volume": "Intracranial volume (mL)",
    "surface_holes": "FreeSurfer surface holes",
    "mean_fd": "Mean displacement (mm)",
    "censored_share": "Share of volumes left out",
    "tsnr": "BOLD temporal signal to noise",
    "bold_brain_coverage": "Brain covered by BOLD",
}
_PAGE = re.compile(r"sub-[^/\\]+")
_SEXES = {"F": 1.0, "M": 0.0}
Row = dict[str, str]


@dataclass
class Reason:
    """Sessions without a prediction for the same reason: their number, and the first of them."""

    status: str
    reason: str
    n: int = 0
    who: list[dict[str, str]] = field(default_factory=list)


class Columns:
    """Columns of numbers that grow row by row; NaN is missing."""

    def __init__(self) -> None:
        self._values: dict[str, array[float]] = {}

    def extend(self, name: str, *values: float) -> None:
        """Append values to a column, which is made if it is not there."""
        self._values.setdefault(name, array("d")).extend(values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self._values.get(name, ()), dtype=float)


class GroupRows:
    """Counts, columns and rows of the group table.

    Parameters
    ----------
    rows
        In the table's order: those of a session, and of a participant, follow each other.
    pages
        Names of the participants' pages that exist.
    """

    def __init__(self, rows: Iterable[Row], pages: set[str]) -> None:
        self.n_rows = self.n_participants = self.n_sessions = 0
        self.statuses: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.models: dict[str, Columns] = {}
        self.quality = Columns()
        self.inputs: Counter[str] = Counter()
        self.sexes: Counter[str] = Counter()
        self.cohort = Columns()
        self._pages = pages
        self._reasons: dict[tuple[str, str], Reason] = {}
        self._striking: list[tuple[int, dict[str, Any]]] = []
        self._others: list[tuple[int, dict[str, Any]]] = []
        for _, people in groupby(rows, lambda row: row.get("participant_id", "")):
            self.n_participants += 1
            for _, session in groupby(people, lambda row: row.get("session_id", "")):
                self._add(list(session))

    @property
    def people(self) -> list[dict[str, Any]]:
        """Rows to show, in the table's order; of too many, those to look at before others."""
        chosen = (self._striking + self._others)[:MAX_ROWS]
        return [person for _, person in sorted(chosen, key=lambda numbered: numbered[0])]

    @property
    def reasons(self) -> list[Reason]:
        """Why sessions have no prediction, most frequent first."""
        return sorted(self._reasons.values(), key=lambda r: (-r.n, r.status, r.reason))

    def _add(self, session: list[Row]) -> None:
        """Count a session once; what does not depend on the model, by the first that answered."""
        first = next((row for row in session if status_of(row) == "ok"), session[0])
        self.n_sessions += 1
        models = [{"model": known(row.get("model")), "status": status_of(row)} for row in session]
        self.statuses[session_status(models)] += 1
        self.flags[known(first.get("quality")) or "n/a"] += 1
        good = [row for row in session if status_of(row) == "ok"]
        widest = max((known(row.get("modalities")) for row in good), key=len, default="")
        self.inputs[widest or "none"] += 1
        self.sexes[known(first.get("sex")) or "n/a"] += 1
        self.cohort.extend("age", number(first.get("age")))
        told = {
            (status_of(row), known(row.get("status_reason")) or "no reason was recorded"): row
            for row in session
            if status_of(row) != "ok"
        }
        for cause, row in told.items():
            reason = self._reasons.setdefault(cause, Reason(*cause))
            reason.n += 1
            if len(reason.who) < MAX_WHO:
                reason.who.append(self._who(row))
        for name in _quality_columns(session[0]):
            # Models repeat what belongs to the session.
            values = dict.fromkeys(number(row.get(name)) for row in session)
            self.quality.extend(name, *filter(math.isfinite, values))
        for row in session:
            self._add_row(row)

    def _add_row(self, row: Row) -> None:
        name = known(row.get("model"))
        columns = self.models.setdefault(name, Columns()) if name else None
        outside, unlike = _outside(row), _unlike(row)
        if columns is not None and math.isfinite(number(row.get("predicted_age"))):
            for column in (*NUMBERS, *LIMITS, *GROUP_NUMBERS, *DRAWN, "probability_female"):
                columns.extend(column, number(row.get(column)))
            columns.extend("person", self.n_participants)
            columns.extend("female", _SEXES.get(row.get("sex", ""), math.nan))
            columns.extend("outside", outside or unlike)
        check = known(row.get("quality")) == "check"
        striking = status_of(row) != "ok" or outside or unlike or check
        shown = self._striking if striking else self._others
        if len(shown) < MAX_ROWS:
            shown.append((self.n_rows, self._person(row)))
        self.n_rows += 1

    def _who(self, row: Row) -> dict[str, str]:
        participant = row.get("participant_id", "")
        page = f"{participant}.html"
        return {
            "participant": participant,
            "session": known(row.get("session_id")),
            "page": page if page in self._pages and _PAGE.fullmatch(participant) else "",
        }

    def _person(self, row: Row) -> dict[str, Any]:
        return {
            **self._who(row),
            **{name: number(row.get(name)) for name in NUMBERS},
            "model": known(row.get("model")),
            "status": status_of(row),
            "sex": known(row.get("sex")),
            "predicted_sex": known(row.get("predicted_sex")),
            "outside": _outside(row),
            "unlike": _unlike(row),
            "quality": known(row.get("quality")),
        }


def status_of(row: Row) -> str:
    """Status of a row; a session without one did not end well."""
    return known(row.get("status")) or "failed"


def _outside(row: Row) -> bool:
    return yes(row.get("within_age_range")) is False


def _unlike(row: Row) -> bool:
    return yes(row.get("out_of_distribution")) is True


def _quality_columns(row: Row) -> list[str]:
    names = [name for name in row if name not in (*GROUP_NUMBERS, *OF_THE_MODEL)]
    return names[names.index("quality") + 1 :] if "quality" in names else []

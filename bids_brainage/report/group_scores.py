"""Scores of the group page with bootstrap intervals over participants."""

import numpy as np

from bids_brainage.evaluation.age_scores import AgeScores
from bids_brainage.evaluation.resampling import MIN_CLUSTERS, draws_of, interval
from bids_brainage.report import pages
from bids_brainage.report.group_rows import Columns

DRAWS = 500
# Name, whether a plus sign is shown, and whether it is a share.
SHOWN = (("mae", False, False), ("r2", False, False), ("pcc", False, False),
         ("slope_predicted_on_age", False, False), ("pcc_gap_age", True, False),
         ("coverage", False, True))  # fmt: skip


def score_cells(columns: Columns) -> list[tuple[str, str]]:
    """Cells of a model's row: each score and its 95 % interval, in the order of `SHOWN`.

    Scores are of uncorrected predictions; participants are resampled with all their sessions.
    """
    age, predicted = columns["age"], columns["predicted_age"]
    known = np.isfinite(age) & np.isfinite(predicted)
    if not known.any():
        return [("n/a", "")] * len(SHOWN)
    scores = AgeScores(
        age[known],
        predicted[known],
        columns["predicted_age_lower"][known],
        columns["predicted_age_upper"][known],
        float(np.median(age[known])),
    )
    once = scores(np.ones((1, int(known.sum()))), brief=True)
    person = columns["person"][known]
    drawn: dict[str, list[np.ndarray]] = {name: [] for name, _, _ in SHOWN}
    if len(np.unique(person)) >= MIN_CLUSTERS:
        for weights in draws_of(person, DRAWS):
            found = scores(weights, brief=True)
            for name, values in drawn.items():
                if name in found:
                    values.append(found[name])
    return [
        _cell(float(once[name][0]), drawn[name], signed, share) if name in once else ("n/a", "")
        for name, signed, share in SHOWN
    ]


def _cell(value: float, drawn: list[np.ndarray], signed: bool, share: bool) -> tuple[str, str]:
    def text(number: float) -> str:
        return pages.percent(number) if share else pages.decimals(number, signed=signed)

    lower, upper = interval(np.concatenate(drawn)) if drawn else (np.nan, np.nan)
    return text(value), f"[{text(lower)} to {text(upper)}]" if np.isfinite(lower) else ""

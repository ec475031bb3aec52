"""Explanation of a session's predicted ages: what each measure, region and lobe adds."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import explanation_files, write_json, write_tsv
from bids_brainage.features.region_groups import Place, place_of
from bids_brainage.models.attribution import Attribution
from bids_brainage.models.cards import InputSpec, ModelCard
from bids_brainage.predict.predictor import Features, Predictor
from bids_brainage.records.explanation import COLUMNS, DESCRIPTION
from bids_brainage.records.session import SessionKey
from bids_brainage.report.regions import group_of

logger = logging.getLogger(__name__)
MOST_EDGES = 100
DECIMALS = 4
LEVELS = ("group", "region", "measure")
Row = dict[str, Any]


@dataclass(frozen=True)
class Explanation:
    """Why one model predicts an age.

    Parameters
    ----------
    model
        Its name.
    rows
        As in the table.
    summary
        Ages, sums and what is not listed, for the sidecar.
    """

    model: str
    rows: list[Row]
    summary: dict[str, Any]

    @property
    def words(self) -> str:
        """What each input added, where there were several."""
        parts = self.summary["ContributionByModality"]
        added = ", ".join(f"{name} {years:+.1f}" for name, years in parts.items())
        base = self.summary["PredictedAgeOfTypicalPerson"]
        return f"{added} years from {base:.1f}" if len(parts) > 1 else ""


def explain(predictor: Predictor, features: Features, what: str) -> Explanation | None:
    """Explain one prediction; None where the model cannot, with a warning where it fails.

    Parameters
    ----------
    features
        Modality to the session's feature vector.
    what
        The session, for the warning.
    """
    if not predictor.explains:
        return None
    try:
        found = predictor.attribute(features)
        return _explanation(found, predictor.card, features)
    except Exception as error:  # the numbers must not be lost with their explanation
        logger.warning("%s: no explanation of model %s: %s", what, predictor.card.name, error)
        return None


def write_explanations(output_dir: Path, key: SessionKey, found: Sequence[Explanation]) -> None:
    """Write a session's table and sidecar, or take an earlier one away where there is none.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    table, sidecar = explanation_files(output_dir, key)
    if not found:
        for path in (table, sidecar):
            path.unlink(missing_ok=True)
        return
    write_tsv(table, [row for one in found for row in one.rows], list(COLUMNS))
    about = {"Description": DESCRIPTION, "Models": {one.model: one.summary for one in found}}
    write_json(sidecar, about | COLUMNS)


def _explanation(found: Attribution, card: ModelCard, features: Features) -> Explanation:
    rows: list[Row] = []
    added: dict[str, float] = {}
    unlisted: dict[str, float] = {}
    for modality, part in found.years.items():
        spec = card.inputs[modality]
        years = part.cpu().numpy()
        levels = {
            **dict(zip(("region", "group"), sum_by_place(spec, years), strict=True)),
            "measure": dict(zip(spec.names, years.tolist(), strict=True)),
        }
        values = dict(zip(spec.names, features[modality].tolist(), strict=True))
        typical = dict(zip(spec.names, found.typical[modality].cpu().tolist(), strict=True))
        added[modality] = float(years.sum())
        for level in LEVELS:
            order = sorted(levels[level].items(), key=lambda item: (-abs(item[1]), item[0]))
            shown = order[:MOST_EDGES] if level == "measure" and spec.regions else order
            if len(shown) < len(order):
                unlisted[modality] = sum(value for _, value in order[len(shown) :])
            rows += [
                {"model": card.name, "modality": modality, "level": level, "name": name,
                 "value": values.get(name) if level == "measure" else None,
                 "typical": typical.get(name) if level == "measure" else None,
                 "contribution": round(value, DECIMALS) + 0.0}
                for name, value in shown
            ]  # fmt: skip
    summary = {
        "SHA256": card.sha256,
        "PredictedAge": found.predicted,
        "PredictedAgeOfTypicalPerson": found.typical_age,
        "ContributionByModality": added,
        "ContributionOfMeasuresNotListed": unlisted,
        "ContributionOfLimitsOfAges": found.elsewhere,
        "Residual": found.residual,
        "Units": "years",
    }
    return Explanation(card.name, rows, _rounded(summary))


def sum_by_place(spec: InputSpec, years: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """Sum contributions by region and by group.

    Parameters
    ----------
    years
        By measure; (p,).

    Returns
    -------
        Region to years, and group to years; of a connection half for each of its regions.
    """
    if spec.regions:
        n = len(spec.regions)
        matrix = np.zeros((n, n))
        matrix[np.triu_indices(n, 1)] = years / 2
        totals = matrix.sum(axis=0) + matrix.sum(axis=1)
        places = [Place(name.replace("_", " "), group_of(name)) for name in spec.regions]
    else:
        totals = years
        places = [place_of(name) for name in spec.names]
    regions: dict[str, float] = {}
    groups: dict[str, float] = {}
    for place, value in zip(places, totals.tolist(), strict=True):
        regions[place.region] = regions.get(place.region, 0.0) + value
        groups[place.group] = groups.get(place.group, 0.0) + value
    return regions, groups


def _rounded(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    # Without the sign of a zero.
    return round(content, DECIMALS) + 0.0 if isinstance(content, float) else content

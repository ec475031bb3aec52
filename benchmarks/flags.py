"""How often people nobody has seen are flagged: as they are, and with faults in their measures.

Usage: python -m benchmarks.flags DATA [--people 300] [--folds 5] [--output TSV]

Trains the M-AVAE on folds that keep sites together (minutes), and lets each fold's model judge
people of its test fold as the App would: `out_of_distribution` is a flag.
"""

import argparse
import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from benchmarks.corruptions import FAULTS, corrupt
from bids_brainage.app.cautions import is_unusual
from bids_brainage.bids.outputs import format_table
from bids_brainage.features.old_totals import PARTS, TOTAL, old_totals
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.distance import Distance
from bids_brainage.models.find import find_model
from bids_brainage.models.mavae import Mavae
from bids_brainage.predict.predictor import Features, Predictor
from bids_brainage.training.ensemble import train_models
from bids_brainage.training.folds import site_folds
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import TrainingTable
from bids_brainage.training.trust import fitted_distance, located_features

COLUMNS = ("input", "modality", "must be flagged", "n", "flagged")
CPU = torch.device("cpu")
Row = dict[str, Any]


def main() -> int:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = load_table(options.data)
    folds = site_folds(table, options.folds, split_single=True)
    models = train_models(table, [folds != k for k in range(options.folds)], Recipe())
    fit_fold_distances(models, table, folds)
    card = read_card(find_model("mavae") / CARD_NAME)
    judges = [Judge(Predictor(model, card, CPU)) for model in models]
    rows = [*good(judges, table, folds), *faulty(judges, table, folds, options.people),
            *left_out(models[0], table), *totals(options.data)]  # fmt: skip
    text = format_table(rows, COLUMNS)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


class Judge:
    """A fold's model, and whether it flags people."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def flags(self, people: Sequence[Features]) -> list[bool]:
        """Tell of each person whether the App would call the input out of distribution."""
        card = self._predictor.card
        return [is_unusual(found, card) for found in self._predictor.predict(people)]


def fit_fold_distances(models: Sequence[Mavae], table: TrainingTable, folds: np.ndarray) -> None:
    """Fit each fold's distances; its percentiles are of left-out people of the other folds."""
    for name in table.measures:
        has = table.has(name)
        fitted = [fitted_distance(m, table, name, has & (folds != k)) for k, m in enumerate(models)]
        unseen = [
            fitted[k].distance(located_features(m, table, name, has & (folds == k)))
            for k, m in enumerate(models)
        ]
        for k, model in enumerate(models):
            fitted[k].set_quantiles(torch.cat(unseen[:k] + unseen[k + 1 :]))
            cast(Distance, model.distances[name]).load_state_dict(fitted[k].state_dict())


def good(judges: Sequence[Judge], table: TrainingTable, folds: np.ndarray) -> Iterator[Row]:
    """Rates of real people as they are, per sample; a flag here is taken to be false."""
    for modality in table.measures:
        flagged = np.zeros(len(table), bool)
        has = table.has(modality)
        for k, judge in enumerate(judges):
            rows = np.flatnonzero(has & (folds == k))
            people = [{modality: table.measures[modality][i]} for i in rows]
            flagged[rows] = judge.flags(people)
        yield _row("as they are", modality, "no", flagged[has])
        samples = np.unique(table.datasets[has])
        for sample in samples if len(samples) > 1 else ():
            chosen = has & (table.datasets == sample)
            yield _row(f"as they are: {sample}", modality, "no", flagged[chosen])


def faulty(
    judges: Sequence[Judge], table: TrainingTable, folds: np.ndarray, n_people: int
) -> Iterator[Row]:
    """Rates of people with one fault each."""
    generator = np.random.default_rng(0)
    for fault in FAULTS:
        has = np.flatnonzero(table.has(fault.modality))
        chosen = generator.choice(has, min(n_people, len(has)), replace=False)
        flagged = []
        for k, judge in enumerate(judges):
            people = [
                corrupt({fault.modality: table.measures[fault.modality][i]}, fault, table.names,
                        generator)
                for i in chosen[folds[chosen] == k]
            ]  # fmt: skip
            flagged += judge.flags(people)
        must = "yes" if fault.must else "as often as it can"
        yield _row(fault.name, fault.modality, must, np.array(flagged))


def left_out(model: Mavae, table: TrainingTable) -> Iterator[Row]:
    """Rates of a whole sample that the distance was not fitted on, by the distance alone.

    The features' scaling has seen it; percentiles are of sites left out of the other samples.
    """
    name = "morphometry"
    for sample in np.unique(table.datasets):
        mine = table.has(name) & (table.datasets == sample)
        others = np.flatnonzero(table.has(name) & (table.datasets != sample))
        parts = np.random.default_rng(0).permutation(len(np.unique(table.sites[others]))) % 5
        part = parts[np.unique(table.sites[others], return_inverse=True)[1]]
        unseen = []
        for k in range(5):
            seen = np.zeros(len(table), bool)
            seen[others[part != k]] = True
            rest = np.zeros(len(table), bool)
            rest[others[part == k]] = True
            if rest.any():
                distance = fitted_distance(model, table, name, seen)
                unseen.append(distance.distance(located_features(model, table, name, rest)))
        everyone = np.zeros(len(table), bool)
        everyone[others] = True
        distance = fitted_distance(model, table, name, everyone)
        distance.set_quantiles(torch.cat(unseen))
        found = distance.percentile(located_features(model, table, name, mine))
        yield _row(f"{sample}, not among the training samples", name, "as often as it can",
                   (found > 99).numpy())  # fmt: skip


def totals(data: Path) -> Iterator[Row]:
    """Rates of FreeSurfer 5-style totals, by sample; only those of abide1 are."""
    path = data / "morphometry.tsv.gz"
    if not path.is_file():
        return
    found: dict[str, list[bool]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            values = {
                n: float("nan") if row[n] == "n/a" else float(row[n]) for n in (TOTAL, *PARTS)
            }
            found.setdefault(row["dataset"], []).append(bool(old_totals(values)))
    for sample, flagged in sorted(found.items()):
        must = "yes" if sample == "abide1" else "no"
        yield _row(f"totals of {sample}", "morphometry", must, np.array(flagged))


def _row(name: str, modality: str, must: str, flagged: np.ndarray) -> Row:
    share = f"{flagged.mean():.3f}" if flagged.size else "n/a"
    return {"input": name, "modality": modality, "must be flagged": must, "n": flagged.size,
            "flagged": share}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

"""How alike explanations of the M-AVAE are when it is trained again with other seeds.

Usage: python -m benchmarks.explanation DATA [--seeds 0 1 2] [--keep FOLDER]

DATA is the folder of the public tables. A model is trained on everybody with each seed (some
minutes of processor time each; kept in FOLDER as SEED.pt, and not trained again where it is there).
Each explains the ages of the same people, drawn with a fixed seed: 200 with morphometry, and 100
with connectivity, too. Printed is, as the mean over pairs of seeds, the Spearman correlation of a
person's contributions (mean over people) and of their mean size over people, and how many of the
ten largest of a person are the same.
"""

import argparse
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

ALONE, BOTH = 200, 100
TOP = 10


@dataclass(frozen=True)
class Explained:
    """Contributions of one model; people x names, by level and modality."""

    years: dict[tuple[str, str, str], np.ndarray]
    ages: np.ndarray
    residual: float
    seconds: float


def main(data: Path, seeds: list[int], keep: Path | None = None) -> None:
    """Train, explain and print the table."""
    import torch

    from bids_brainage.models.store import load_any
    from bids_brainage.training.shared_tables import load_shared

    torch.set_num_threads(1)
    table = load_shared(data)
    card = load_any("mavae")[1]
    people = chosen(table)
    found = [explained(trained(table, seed, keep), card, table, people) for seed in seeds]
    pairs = list(combinations(found, 2))
    gaps = [float(np.abs(a.ages - b.ages).mean()) for a, b in pairs]
    print(f"{len(seeds)} seeds; predicted ages differ by {mean(gaps):.2f} years on average")
    residual, seconds = max(one.residual for one in found), mean(one.seconds for one in found)
    print(f"largest residual {residual:.1e} years; {1000 * seconds:.0f} ms of processor time each")
    print("| people with | input | level | number | correlation within a person | lowest pair "
          "| of mean size | shared of ten largest |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for key in found[0].years:
        rows = [compare(a.years[key], b.years[key]) for a, b in pairs]
        within, size, shared = (mean(column) for column in zip(*rows, strict=True))
        number = found[0].years[key].shape[1]
        lowest = min(row[0] for row in rows)
        print(f"| {' | '.join(key)} | {number} | {within:.2f} | {lowest:.2f} | {size:.2f} "
              f"| {shared:.1f} |")  # fmt: skip


def chosen(table: Any) -> dict[str, np.ndarray]:
    """Rows of the people to explain."""
    rng = np.random.default_rng(0)
    alone = np.flatnonzero(table.has("morphometry"))
    both = np.flatnonzero(table.has_both())
    return {
        "morphometry": np.sort(rng.choice(alone, min(ALONE, len(alone)), replace=False)),
        "both": np.sort(rng.choice(both, min(BOTH, len(both)), replace=False)),
    }


def trained(table: Any, seed: int, keep: Path | None) -> Any:
    """Model of one seed, trained on everybody, or kept from an earlier time."""
    import torch

    from bids_brainage.models.mavae import Mavae
    from bids_brainage.models.mavae_core import MavaeConfig
    from bids_brainage.training.ensemble import train_models
    from bids_brainage.training.recipe import Recipe

    place = keep / f"{seed}.pt" if keep else None
    if place and place.is_file():
        stored = torch.load(place, weights_only=True)
        module = Mavae(MavaeConfig.from_dict(stored["config"])).double()
        module.load_state_dict(stored["state"])
    else:
        module = train_models(table, [np.ones(len(table), bool)], Recipe(seed=seed))[0]
        if place:
            place.parent.mkdir(parents=True, exist_ok=True)
            torch.save({"config": module.config.as_dict(), "state": module.state_dict()}, place)
    return module.double().eval()


def explained(module: Any, card: Any, table: Any, people: dict[str, np.ndarray]) -> Explained:
    """Explain everybody's age by one model."""
    import torch

    from bids_brainage.app.explanation import sum_by_place
    from bids_brainage.models.mavae_attribution import attribute

    lists: dict[tuple[str, str, str], list[np.ndarray]] = {}
    ages, residuals = [], []
    begin = time.process_time()
    for group, rows in people.items():
        inputs = ("morphometry", "connectivity") if group == "both" else (group,)
        for row in rows:
            person = {name: torch.from_numpy(table.measures[name][row]) for name in inputs}
            found = attribute(module, card, person)
            ages.append(found.predicted)
            residuals.append(abs(found.residual))
            for name, part in found.years.items():
                regions, groups = sum_by_place(card.inputs[name], part.numpy())
                for level, years in (("group", groups), ("region", regions)):
                    values = np.array(list(years.values()))
                    lists.setdefault((group, name, level), []).append(values)
                lists.setdefault((group, name, "measure"), []).append(part.numpy())
    spent = (time.process_time() - begin) / len(ages)
    years = {key: np.array(rows) for key, rows in lists.items()}
    return Explained(years, np.array(ages), max(residuals), spent)


def compare(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Correlations within people, of mean sizes, and the largest of a person that are shared."""
    from scipy.stats import spearmanr

    within = mean(float(spearmanr(x, y).statistic) for x, y in zip(a, b, strict=True))
    size = float(spearmanr(np.abs(a).mean(axis=0), np.abs(b).mean(axis=0)).statistic)
    top = [
        len(set(np.argsort(-np.abs(x))[:TOP]) & set(np.argsort(-np.abs(y))[:TOP]))
        for x, y in zip(a, b, strict=True)
    ]
    return within, size, mean(top)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    main(options.data, options.seeds, options.keep)

"""What ComBat by site does to morphometry, to age from it, and to the gap, on training tables.

``python -m benchmarks.site_effect DATA``: ridge on log age from morphometry, with and without the
mean differences between training sites, on folds of whole sites and on folds within sites; how
well sites are told from the measures of people not fitted on; and how well they are told from the
gap before and after ComBat on it; and how much the gap depends on age before and after correction
by people of other samples and of half of the same one. Prints Markdown tables.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bids_brainage.evaluation.bias import METHODS, fit_bias, refit_gap
from bids_brainage.evaluation.bootstrap import paired_bootstrap
from bids_brainage.evaluation.combat import MIN_PEOPLE, check_sites, sites_apart
from bids_brainage.evaluation.site_effect import site_effect
from bids_brainage.training.baselines import feature_matrix, fit_predict
from bids_brainage.training.folds import site_folds, within_site_folds
from bids_brainage.training.harmonise import harmonised
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import TrainingTable

INPUT = "morphometry"


def predict(table: TrainingTable, folds: np.ndarray, *, combat: bool) -> tuple[np.ndarray, ...]:
    """Out-of-fold ages by ridge in years, and sites told by shrunken linear discriminants."""
    age, site = np.full(len(table), np.nan), np.full(len(table), "", dtype=object)
    usable = table.has(INPUT)
    for k in np.unique(folds):
        mine = harmonised(table, folds != k) if combat else table
        features = feature_matrix(mine, INPUT)
        train, test = np.flatnonzero((folds != k) & usable), np.flatnonzero((folds == k) & usable)
        age[test] = np.exp(fit_predict("ridge", features, table, train, test)[0])
        told = make_pipeline(
            SimpleImputer(), StandardScaler(),
            LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        )  # fmt: skip
        site[test] = told.fit(features[train], table.sites[train]).predict(features[test])
    return age, site.astype(str)


def ages_and_measures(table: TrainingTable) -> np.ndarray:
    """Print errors and how well sites are told; return ages predicted of unseen sites."""
    print("| folds | MAE, measures as they are | MAE, sites harmonised | gain (95 % over people) "
          "| sites told from measures | after |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    usable = table.has(INPUT)
    first = None
    for name, folds in (("whole sites", site_folds(table, 5)),
                        ("within sites", within_site_folds(table, 5))):  # fmt: skip
        (raw, told), (clean, told_after) = (predict(table, folds, combat=c) for c in (False, True))
        test = paired_bootstrap(table.age, raw, clean)
        errors = [float(np.nanmean(np.abs(found - table.age))) for found in (raw, clean)]
        shares = ["–", "–"]
        if name == "within sites":
            shares = [
                f"{balanced_accuracy_score(table.sites[usable], found[usable]):.3f}"
                for found in (told, told_after)
            ]
        gain = f"{test.gain:+.2f} [{test.lower:+.2f}, {test.upper:+.2f}]"
        print(f"| {name} | {errors[0]:.2f} | {errors[1]:.2f} | {gain} | {' | '.join(shares)} |")
        first = raw if first is None else first
    assert first is not None
    return first


def gaps(table: TrainingTable, predicted: np.ndarray, dataset: str) -> None:
    """Print how well the sites of a sample are told from the gap, before and after ComBat."""
    rows = np.isfinite(predicted) & np.isfinite(table.female) & (table.datasets == dataset)
    names, counts = np.unique(table.sites[rows], return_counts=True)
    rows &= np.isin(table.sites, names[counts >= MIN_PEOPLE])
    while apart := sites_apart(table.sites[rows], table.age[rows]):
        rows &= ~np.isin(table.sites, list(apart))
    covariates = np.column_stack([table.age, table.female])[rows]
    check_sites(table.sites[rows], table.age[rows], covariates, dataset)
    found = site_effect((predicted - table.age)[rows], table.sites[rows], covariates)
    print(
        f"| {dataset} | {rows.sum()} | {len(found.counts)} | {found.before:.3f} (p "
        f"{found.p_before:.3f}) | {found.after:.3f} (p {found.p_after:.3f}) | "
        f"{found.chance_lower:.3f} to {found.chance_upper:.3f} | "
        f"{min(found.shifts.values()):+.1f} to {max(found.shifts.values()):+.1f} |"
    )


def bias(table: TrainingTable, predicted: np.ndarray) -> None:
    """Print correlation of gap and age (and mean gap), by whose people the gap is corrected.

    A random half of a sample is fitted on; numbers are of the other half.
    """
    known = np.isfinite(predicted)
    for name in np.unique(table.datasets):
        own, others = known & (table.datasets == name), known & (table.datasets != name)
        age, found = table.age[own], predicted[own]
        line = fit_bias(table.age[others], predicted[others])
        gaps = [found - age, found - (line.intercept + line.slope * age)]
        person = np.arange(own.sum())
        fitted = np.random.default_rng(0).permutation(own.sum()) % 2 == 0
        gaps += [refit_gap(age, found, fitted, person, method)[0] for method in METHODS]
        rest = ~fitted
        cells = [
            f"{np.corrcoef(gap[rest], age[rest])[0, 1]:+.2f} ({gap[rest].mean():+.1f})"
            for gap in gaps
        ]
        print(f"| {name} | {own.sum()} | {age.min():.0f} to {age.max():.0f} | "
              f"{' | '.join(cells)} |")  # fmt: skip


def main() -> None:
    """Run everything on the tables of DATA."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with a training table")
    table = load_table(parser.parse_args().data)
    predicted = ages_and_measures(table)
    print("\n| sample | people | sites | site told from the gap | after ComBat | by chance (95 %) "
          "| means taken out (years) |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for dataset in np.unique(table.datasets):
        if len(np.unique(table.sites[table.datasets == dataset])) > 2:
            gaps(table, predicted, str(dataset))
    print("\n| sample | people | ages | uncorrected | by the other samples' line | "
          f"{' | '.join(METHODS)} |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    bias(table, predicted)


if __name__ == "__main__":
    main()

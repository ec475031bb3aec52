"""Comparisons of the gap at the group level, with what is to be read beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.app.group_people import GroupPeople, plain_cells
from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.config import GroupOptions
from bids_brainage.evaluation.contrasts import Comparison, holm
from bids_brainage.evaluation.covariates import Covariate
from bids_brainage.evaluation.group_effects import compare_gap

EFFECTS = "group_brainage_effects.tsv"
MOST = 0.8
OTHER_AGES = 0.5
FEW = 20
MEANINGS: dict[str, dict[str, Any]] = {
    "model": {"Description": "Model whose brain_age_gap is compared."},
    "column": {"Description": "Column that it is compared with."},
    "kind": {"Description": "Kind of comparison.", "Levels": {
        "groups": "difference between two groups of people",
        "slope": "change of the gap by one unit of the column"}},
    "level": {"Description": "Group; n/a for a slope."},
    "reference": {"Description": "Group it is compared with; n/a for a slope."},
    "n": {"Description": "People in the group; all people for a slope."},
    "n_reference": {"Description": "People in the reference group; 0 for a slope."},
    "estimate": {"Description": "Gap of the group minus that of the reference at equal covariates, "
                 "or change of the gap by one unit of the column.", "Units": "years"},
    "lower": {"Description": "Lower end of the 95 % interval (HC3).", "Units": "years"},
    "upper": {"Description": "Upper end of the 95 % interval (HC3).", "Units": "years"},
    "effect": {"Description": "Cohen's d (estimate over the residual standard deviation), or "
               "partial correlation for a slope."},
    "effect_lower": {"Description": "Lower end of its 95 % interval."},
    "effect_upper": {"Description": "Upper end of its 95 % interval."},
    "p": {"Description": "Two-sided p value."},
    "p_holm": {"Description": "p value corrected by Holm's method over all rows of this table."},
    "n_model": {"Description": "People in the model."},
    "n_left_out": {"Description": "People with a gap who are not in the model."},
    "covariates": {"Description": "Covariates in the model, joined by +."},
    "remarks": {"Description": "Who was left out, or why there is no result."},
}  # fmt: skip
ALWAYS = (
    "The gap is the apparent age of one scan, not a rate of ageing: a difference between groups at "
    "one time does not show that anybody ages faster.",
    "Age is in every model: predictions regress to the mean age of the training people, so that "
    "the gap falls with age, and groups of other ages differ for that reason alone.",
)


def compare(people: GroupPeople, options: GroupOptions, site: str) -> list[Comparison]:
    """Compare the gap with each column asked for, and correct the p values over all of them.

    Parameters
    ----------
    site
        Column of the site; empty for none.

    Raises
    ------
    UsageError
        If a column does not exist.
    """
    found = []
    for model in people.tested:
        rows = people.first(people.of(model) & np.isfinite(people.numbers["age"]))
        if not rows.any():
            problem = "nobody has a prediction and a known age"
            found += [Comparison(model, name, "groups", problem) for name in options.group_by]
            continue
        for name in options.group_by:
            cells = plain_cells(people.column(name, "--group-by")[rows])
            others = [
                c
                for c in _covariates(people, options, rows, site)
                if c.name.lower() != name.lower()
            ]
            found.append(
                compare_gap(
                    model, name, people.numbers["brain_age_gap"][rows],
                    people.numbers["age"][rows], cells.tolist(), others,
                )
            )  # fmt: skip
    return holm(found)


def _covariates(
    people: GroupPeople, options: GroupOptions, rows: np.ndarray, site: str
) -> Iterator[Covariate]:
    def column(name: str, *, categories: bool = False) -> Covariate:
        cells = plain_cells(people.column(name, "--covariates")[rows])
        return Covariate(name, tuple(cells.tolist()), categories=categories)

    names = ["age"]
    if options.covariates:
        names += [name for name in options.covariates if name.lower() != "age"]
    else:
        motion = np.isfinite(people.numbers["mean_fd"][rows])
        sexes = people.texts["sex"][rows] != ""
        names += ["sex"] if sexes.mean() >= MOST else []
        names += [site] if site else []
        names += ["mean_fd"] if motion.mean() >= MOST else []
    for name in names:
        yield column(name, categories=name in ("sex", site))


def caveats(
    people: GroupPeople, comparisons: list[Comparison], overlap: list[str]
) -> tuple[str, ...]:
    """What is to be read beside the comparisons, in plain words.

    Parameters
    ----------
    overlap
        Samples of the models' training lists that the dataset seems to belong to.
    """
    return (*ALWAYS, *_found(people, comparisons, overlap))


def _found(people: GroupPeople, comparisons: list[Comparison], overlap: list[str]) -> Iterator[str]:
    if overlap:
        yield (
            f"The dataset seems to be among those a model was trained on ({', '.join(overlap)}): "
            "gaps of people seen in training are too small."
        )
    compared = [one for one in comparisons if not one.problem]
    still = dict.fromkeys(one.column for one in compared if "mean_fd" not in one.covariates)
    if still:
        yield (
            f"{', '.join(still)}: motion is not in the model. People who move more look older; "
            "compare the image quality of groups."
        )
    for one in compared:
        if len(one.levels) > 1 and _other_ages(one):
            ages = "; ".join(
                f"{x.level} {x.age_mean:.0f} ({x.age_min:.0f} to {x.age_max:.0f})"
                for x in one.levels
            )
            yield (
                f"{one.column}: the groups differ in age ({ages}). A straight line for age may "
                "not make them equal; match them, or compare within the ages they share."
            )
        small = [x.level for x in one.levels if x.n < FEW]
        if small:
            yield f"{one.column}: fewer than {FEW} people in {', '.join(small)}."
    for model in people.tested:
        again = people.of(model)
        if (again & ~people.first(again)).any():
            yield "Of people with several sessions the first with a prediction is compared."
            break


def _other_ages(one: Comparison) -> bool:
    means = [x.age_mean for x in one.levels]
    width = max(x.age_max for x in one.levels) - min(x.age_min for x in one.levels)
    # A quarter of the range is about a standard deviation.
    return max(means) - min(means) > OTHER_AGES * width / 4


def write_effects(output: Path, comparisons: list[Comparison]) -> None:
    """Write the table of all contrasts with its dictionary; without any, remove older ones."""
    table = output / EFFECTS
    if not comparisons:
        table.unlink(missing_ok=True)
        table.with_suffix(".json").unlink(missing_ok=True)
        return
    rows = [row for comparison in comparisons for row in _rows(comparison)]
    write_tsv(table, rows, list(MEANINGS))
    write_json(table.with_suffix(".json"), MEANINGS)


def _rows(one: Comparison) -> Iterator[dict[str, Any]]:
    shared = {
        "model": one.model,
        "column": one.column,
        "kind": one.kind,
        "n_model": one.n,
        "n_left_out": one.n_left_out,
        "covariates": "+".join(one.covariates),
        "remarks": "; ".join(filter(None, [one.problem, *one.notes])),
    }
    for c in one.contrasts:
        yield shared | vars(c) | {"p_holm": c.p_adjusted}
    if not one.contrasts:
        yield shared

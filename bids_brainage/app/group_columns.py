"""Columns that the group level adds: gaps refitted on the dataset, and harmonised by site."""

from dataclasses import asdict
from typing import Any

import numpy as np

from bids_brainage.app.group_people import GroupPeople, plain_cells
from bids_brainage.bids.expression import Condition, read_condition
from bids_brainage.config import GroupOptions
from bids_brainage.errors import UsageError
from bids_brainage.evaluation.bias import refit_gap
from bids_brainage.evaluation.combat import check_sites
from bids_brainage.evaluation.group_analysis import RefitOf, SitesOf
from bids_brainage.evaluation.site_effect import harmonised_gap, site_effect
from bids_brainage.records.group_columns import group_columns

EVERYONE = "everyone"
FEMALE = {"F": 1.0, "M": 0.0}


def condition_of(options: GroupOptions) -> Condition | None:
    """Read the condition of ``--bias-fit``; None for everyone, or without the option.

    Raises
    ------
    UsageError
        If it is not one.
    """
    if options.bias_fit in (None, EVERYONE):
        return None
    return read_condition(options.bias_fit, "--bias-fit")


def refit(
    people: GroupPeople, condition: Condition | None, method: str
) -> tuple[np.ndarray, list[RefitOf]]:
    """Correct each model's gap by the dataset's own people, apart for each kind of input.

    Returns
    -------
    tuple[np.ndarray, list[RefitOf]]
        Corrected gap of every row, NaN for missing; and the lines.

    Raises
    ------
    UsageError
        If the condition names unknown columns or holds for nobody, or no line can be fitted.
    """
    reference = _holds(people, condition)
    gap = np.full(len(reference), np.nan)
    found, first_problem = [], None
    for model in people.models:
        rows = people.of(model)
        for modalities in dict.fromkeys(people.texts["modalities"][rows].tolist()):
            chosen = rows & (people.texts["modalities"] == modalities)
            fitted = people.first(chosen & reference & np.isfinite(people.numbers["age"]))
            try:
                values, fit = refit_gap(
                    people.numbers["age"][chosen], people.numbers["predicted_age"][chosen],
                    fitted[chosen], people.person[chosen], method,
                )  # fmt: skip
            except UsageError as error:
                first_problem = first_problem or error
                found.append(RefitOf(model, modalities, None, error.message))
                continue
            gap[chosen] = values
            found.append(RefitOf(model, modalities, fit))
    if first_problem and all(one.fit is None for one in found):
        raise first_problem
    return gap, found


def _holds(people: GroupPeople, condition: Condition | None) -> np.ndarray:
    if condition is None:
        return people.usable
    cells = {name: people.column(name, "--bias-fit") for name in condition.names}
    result = np.array([
        bool(usable) and condition.holds({name: str(column[i]) for name, column in cells.items()})
        for i, usable in enumerate(people.usable)
    ])  # fmt: skip
    if not result.any():
        seen = "; ".join(f"{name} holds {_levels(column)}" for name, column in cells.items())
        raise UsageError(
            f"nobody with a prediction has {condition.text}", place="--bias-fit", hint=seen
        )
    return result


def _levels(column: np.ndarray, most: int = 8) -> str:
    values = sorted(set(plain_cells(column)) - {""})
    return ", ".join(values[:most]) + (", …" if len(values) > most else "") or "nothing"


def harmonise(people: GroupPeople, column: str) -> tuple[np.ndarray, list[SitesOf], bool]:
    """Take differences between sites out of each model's gap, age and sex preserved.

    Returns
    -------
    tuple[np.ndarray, list[SitesOf], bool]
        Gap of every row, NaN for missing; what was found per model; and whether sex could be
        preserved (it is known of anybody).

    Raises
    ------
    UsageError
        If no model's gap can be harmonised.
    """
    if not column:
        raise UsageError(
            "no column 'site' in the dataset's tables", place="--harmonise",
            hint="name it with --site-column",
        )  # fmt: skip
    sites = plain_cells(people.cells[column])
    female = np.array([FEMALE.get(sex, np.nan) for sex in people.texts["sex"]])
    with_sex = bool(np.isfinite(female[people.usable]).any())
    parts = [people.numbers["age"], *([female] if with_sex else [])]
    covariates = np.column_stack(parts)
    result = np.full(len(sites), np.nan)
    found, first_problem = [], None
    for model in people.models:
        rows = people.of(model)
        gap = np.where(rows, people.numbers["brain_age_gap"], np.nan)
        usable = rows & np.isfinite(gap) & np.isfinite(covariates).all(axis=1) & (sites != "")
        fitted = people.first(usable)
        own = covariates[:, np.ptp(covariates[fitted], axis=0) > 0] if fitted.any() else covariates
        try:
            if not fitted.any():
                known = "age and sex" if with_sex else "age"
                raise UsageError(
                    f"nobody with a prediction has a site and known {known}",
                    place=f"column {column}", hint="leave --harmonise out",
                )  # fmt: skip
            check_sites(sites[fitted], people.numbers["age"][fitted], own[fitted],
                        f"column {column}")  # fmt: skip
        except UsageError as error:
            first_problem = first_problem or error
            found.append(SitesOf(model, None, problem=error.message))
            continue
        values, _ = harmonised_gap(gap, sites, own, fitted)
        result[usable] = values[usable]
        effect = site_effect(gap[fitted], sites[fitted], own[fitted])
        found.append(SitesOf(model, effect, int((rows & ~usable).sum())))
    if first_problem and all(one.effect is None for one in found):
        raise first_problem
    return result, found, with_sex


def described(
    name: str, options: GroupOptions, fits: list[RefitOf] | list[SitesOf]
) -> dict[str, Any]:
    """Entry of the data dictionary: what the column is, and how it was made."""
    entry = dict(group_columns()[name])
    if options.bias_fit is not None and isinstance(fits[0] if fits else None, RefitOf):
        entry |= {"FittedOn": options.bias_fit, "Method": options.bias_method}
    entry["Fits"] = [_flat(one) for one in fits]
    return entry


def _flat(one: RefitOf | SitesOf) -> dict[str, Any]:
    content = asdict(one)
    inner = content.pop("fit", None) or content.pop("effect", None) or {}
    content.pop("effect", None)
    return {k: v for k, v in (content | inner).items() if v != ""}

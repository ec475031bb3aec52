"""Which of a person's measures are extreme or missing, in words."""

from collections.abc import Sequence

import numpy as np

MOST = 3
BLOCK = 0.9
MIN_BLOCK = 5
GROUPS = {
    "measures of the left hemisphere": ("lh", "Left-"),
    "measures of the right hemisphere": ("rh", "Right-"),
}
CORTEX = {
    "cortical measures of the left hemisphere": "lh",
    "cortical measures of the right hemisphere": "rh",
}
THICKNESS = "_thickness"


def extreme_measures(
    names: Sequence[str], values: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> tuple[str, ...]:
    """Describe the measures furthest outside their ranges, the furthest first.

    Parameters
    ----------
    values, lower, upper
        One person's measures and the ranges of the training people's; shape (p,), NaN for missing.
    """
    width = np.maximum(upper - lower, np.finfo(float).tiny)
    with np.errstate(over="ignore", invalid="ignore"):
        beyond = np.nan_to_num(np.maximum(values - upper, lower - values) / width, nan=-1.0)
    order = [i for i in np.argsort(-beyond, kind="stable")[:MOST] if beyond[i] > 0]
    return tuple(
        f"{names[i]} {values[i]:.5g} (training {lower[i]:.5g} to {upper[i]:.5g})" for i in order
    )


def missing_blocks(names: Sequence[str], missing: np.ndarray) -> tuple[str, ...]:
    """Name the groups of measures of which nearly all are missing; parts of a named one are not.

    Parameters
    ----------
    missing
        Mask in the order of the names; shape (p,).
    """
    if missing.all() or not missing.any():
        return ()
    groups = {
        label: np.array([name.startswith(starts) for name in names])
        for label, starts in GROUPS.items()
    }
    groups["cortical thickness"] = np.array([name.endswith(THICKNESS) for name in names])
    groups["volumes"] = ~groups["cortical thickness"]
    for label, start in CORTEX.items():
        groups[label] = np.array([name.startswith(start) for name in names])
    found: dict[str, np.ndarray] = {}
    for label, group in groups.items():
        if not MIN_BLOCK <= group.sum() < len(names) or missing[group].mean() < BLOCK:
            continue
        if not any(whole[group].mean() >= BLOCK for whole in found.values()):
            found[label] = group
    return tuple(found)

"""Which volumes of a run are kept."""

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.confounds import ConfoundsTable


def framewise_displacement(table: ConfoundsTable | None, *, required: bool) -> np.ndarray | None:
    """Framewise displacement per volume in mm, or None where motion is not known.

    Raises
    ------
    InputError
        If it is required and cannot be had.
    """
    if table is None:
        if required:
            raise InputError(
                "scrubbing needs framewise displacement and the run has no confounds",
                hint="run fMRIPrep, or leave out --fd-threshold",
            )
        return None
    try:
        return table.framewise_displacement()
    except InputError:
        if required:
            raise
        return None


def kept_volumes(
    n_volumes: int,
    unsteady: list[int],
    displacement: np.ndarray | None,
    threshold: float | None,
    minimum_segment: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Volumes left after non-steady-state and scrubbing.

    Parameters
    ----------
    threshold
        Framewise displacement in mm above which a volume goes; None keeps all.
    minimum_segment
        Stretches of fewer kept volumes go too, where any volume was scrubbed (Power et al. 2014,
        doi:10.1016/j.neuroimage.2013.08.048).

    Returns
    -------
        Indices of kept volumes, from 0, and a boolean array of steady-state volumes.
    """
    steady = np.ones(n_volumes, dtype=bool)
    steady[unsteady] = False
    keep = steady.copy()
    if threshold is not None and displacement is not None:
        keep &= displacement <= threshold
        if minimum_segment > 1 and not keep.all():
            edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(int), [0]])))
            for start, stop in edges.reshape(-1, 2):
                if stop - start < minimum_segment:
                    keep[start:stop] = False
    return np.flatnonzero(keep), steady

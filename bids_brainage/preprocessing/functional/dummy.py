"""Volumes at the start of a run that were taken before the signal was steady."""

import numpy as np

_FIRST_VOLUMES = 50
_THRESHOLD = 3.5
_MAD_TO_SCORE = 0.6745


def non_steady_volumes(level: np.ndarray, most: int) -> int:
    """Count the volumes at the start whose mean signal stands out.

    The rule of nipype's detector, as fMRIPrep uses it: modified z-score (Iglewicz & Hoaglin 1993)
    above 3.5 among the first 50 volumes, counted from the first volume on.

    Parameters
    ----------
    level
        Mean signal of each volume.
    most
        No more than this many are reported.
    """
    early = np.asarray(level[:_FIRST_VOLUMES], dtype=float)
    distance = np.abs(early - np.median(early))
    spread = np.median(distance)
    if spread <= 0:
        return 0
    steady = np.flatnonzero(_MAD_TO_SCORE * distance / spread <= _THRESHOLD)
    return min(int(steady[0]) if len(steady) else 0, most)

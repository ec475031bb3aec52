"""Registration by greedy, in a process of its own and with a fixed seed.

Yushkevich et al. 2016, doi:10.1016/j.jalz.2016.06.205.
"""

import io
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError

logger = logging.getLogger(__name__)
SEED = 1
AFFINE = "-a -dof 12 -m NCC 4x4x4 -n 100x50x0"
# Measured on labelled heads: as close as with less smoothing, without folds.
DEFORMABLE = "-m NCC 2x2x2 -n 100x50x30 -s 3mm 1.5mm -wp 0"
_PROGRAM = "bids_brainage.preprocessing.anatomical.greedy_process"
_ATTEMPTS = 2
_LONGEST = 7200.0  # seconds; a head takes a few minutes on one CPU
Grid = tuple[np.ndarray, np.ndarray]


def affine_maps(
    fixed: Grid, moving: Grid, starts: list[np.ndarray], path: Path, threads: int
) -> list[np.ndarray]:
    """Find the affine map from the world of the fixed to that of the moving image.

    Parameters
    ----------
    fixed, moving
        Array and affine.
    starts
        Rigid maps to start from, 4x4, RAS mm.
    path
        Place named in errors.

    Returns
    -------
    list[ndarray]
        4x4 matrices, one per start.

    Raises
    ------
    InputError
        If greedy fails.
    """
    return list(_run(fixed, moving, starts, "", path, threads)["matrices"])


def affine_and_warp(
    fixed: Grid, moving: Grid, start: np.ndarray, path: Path, threads: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the affine map, and the warp that comes before it.

    Returns
    -------
    tuple[ndarray, ndarray, ndarray]
        Affine map as `affine_maps` gives it, warp and inverse warp: displacements on the grid of
        the fixed image, RAS mm, ``[x, y, z, 3]``.

    Raises
    ------
    InputError
        If greedy fails.
    """
    found = _run(fixed, moving, [start], DEFORMABLE, path, threads)
    return found["matrices"][0], found["warp"], found["inverse"]


def _run(
    fixed: Grid,
    moving: Grid,
    starts: list[np.ndarray],
    deformable: str,
    path: Path,
    threads: int,
) -> dict[str, np.ndarray]:
    given = io.BytesIO()
    np.savez(
        given,
        fixed=fixed[0],
        fixed_affine=fixed[1],
        moving=moving[0],
        moving_affine=moving[1],
        starts=np.stack(starts),
        affine=np.array(AFFINE),
        deformable=np.array(deformable),
        seed=np.array(SEED),
        threads=np.array(threads),
    )
    problem = ""
    for attempt in range(_ATTEMPTS):
        try:
            # Through pipes: a killed run leaves no file behind.
            done = subprocess.run(
                [sys.executable, "-m", _PROGRAM],
                input=given.getvalue(),
                capture_output=True,
                check=False,
                timeout=_LONGEST,
            )
        except subprocess.TimeoutExpired:
            problem = f"it did not end within {_LONGEST / 3600:g} hours"
            break
        if done.returncode == 0:
            with np.load(io.BytesIO(done.stdout), allow_pickle=False) as found:
                return {key: found[key] for key in found.files}
        told = done.stderr.decode(errors="replace")
        logger.warning(
            "greedy ended with %d for %s, attempt %d: %s",
            done.returncode, path.name, attempt + 1, told[-2000:],
        )  # fmt: skip
        lines = [line.strip() for line in told.splitlines() if line.strip()]
        problem = f"{lines[-1] if lines else 'no message'} ({done.returncode})"
    raise InputError(
        f"the registration to the template failed: {problem}",
        place=path,
        hint="look at the image; leave it out if it is not a whole brain",
    )

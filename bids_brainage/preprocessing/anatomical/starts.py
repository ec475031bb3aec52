"""Where to start a registration: heads lie tilted, and orientation labels may be wrong."""

from itertools import permutations, product

import numpy as np

from bids_brainage.preprocessing.anatomical.fields import grid_points, sample
from bids_brainage.preprocessing.anatomical.itk import pooled

COARSE_MM = 8.0
TILT_DEGREES = 30.0
_DISTINCT_DEGREES = 35.0


def find_starts(
    template: np.ndarray,
    template_affine: np.ndarray,
    moving: np.ndarray,
    moving_affine: np.ndarray,
    count: int,
) -> list[np.ndarray]:
    """Rigid maps from template world to image world to start from, the likely ones first.

    Both brains are laid centre on centre; the image as labelled always comes first. Then come
    the rotations among the 24 turns of a cube, each also tilted by 30 degrees either way about
    each axis, under which the coarse images correlate best and that differ from those before.

    Parameters
    ----------
    template, moving
        Brains without skull, 0 outside.
    count
        Starts besides the image as labelled.

    Returns
    -------
    list[ndarray]
        4x4 matrices, RAS, mm.
    """
    fixed, fixed_affine = pooled(template, template_affine, COARSE_MM)
    small, small_affine = pooled(moving, moving_affine, COARSE_MM)
    points = grid_points(fixed.shape, fixed_affine).reshape(-1, 3).astype(np.float64)
    from_centre, to_centre = centre(fixed, fixed_affine), centre(small, small_affine)
    scored = []
    for rotation in _rotations():
        moved = (points - from_centre) @ rotation.T + to_centre
        values = sample(small, small_affine, moved)
        scored.append((correlation(values, fixed.ravel()), rotation))
    scored.sort(key=lambda pair: -pair[0])
    chosen = [np.eye(3)]
    for _, rotation in scored:
        if len(chosen) > count:
            break
        if all(rotation_degrees(rotation.T @ other) > _DISTINCT_DEGREES for other in chosen):
            chosen.append(rotation)
    return [_rigid(rotation, from_centre, to_centre) for rotation in chosen]


def rotation_degrees(matrix: np.ndarray) -> float:
    """Angle of the rotation in a linear map, degrees."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    trace = np.trace(left @ right)
    return float(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))))


def centre(data: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Centre of the voxels above 0, RAS mm."""
    return np.asarray((affine @ np.append(np.argwhere(data > 0).mean(axis=0), 1))[:3])


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation; 0 if one of both is constant."""
    a, b = first.ravel() - first.mean(), second.ravel() - second.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm else 0.0


def _rotations() -> list[np.ndarray]:
    """The 24 turns of a cube, as they are and tilted."""
    turns = []
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                turns.append(matrix)
    tilts = [np.eye(3)] + [
        _about(axis, sign * np.radians(TILT_DEGREES)) for axis in range(3) for sign in (1, -1)
    ]
    return [turn @ tilt for tilt in tilts for turn in turns]


def _about(axis: int, angle: float) -> np.ndarray:
    first, second = [a for a in range(3) if a != axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def _rigid(rotation: np.ndarray, from_centre: np.ndarray, to_centre: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = to_centre - rotation @ from_centre
    return matrix

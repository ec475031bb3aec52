"""Rigid transforms, their parameters, and the distances they move a head by."""

import numpy as np

HEAD_RADIUS_MM = 80.0


def small_motion(parameters: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """4x4 matrix of a translation (mm) and rotation vector (rad) about a centre."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(parameters[3:])
    matrix[:3, 3] = centre + parameters[:3] - matrix[:3, :3] @ centre
    return matrix


def rotation(vector: np.ndarray) -> np.ndarray:
    """3x3 rotation about an axis by the axis' length in rad (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(vector) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Carry points, ``[3, n]``, by a 4x4 matrix."""
    return matrix[:3, :3] @ points + matrix[:3, 3:]


def fsl_parameters(
    moved: np.ndarray, affine: np.ndarray, shape: tuple[int, int, int]
) -> np.ndarray:
    """Motion parameters as FSL's MCFLIRT writes them.

    They describe the transform that brings a volume onto the reference, in FSL's coordinates:
    along the image axes in mm, the first axis running to the left. Rotations are Euler angles
    about the centre of the grid, ``Rx Ry Rz`` with FSL's sense of rotation.

    Parameters
    ----------
    moved
        4x4 matrix, world of the reference to world of the volume.
    affine, shape
        Grid of the run.

    Returns
    -------
        Translations x, y, z in mm, rotations x, y, z in rad.
    """
    zooms = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    scaled = np.diag([*zooms, 1.0])
    if np.linalg.det(affine[:3, :3]) > 0:
        scaled[0, 0] = -zooms[0]
        scaled[0, 3] = (shape[0] - 1) * zooms[0]
    to_fsl = scaled @ np.linalg.inv(affine)
    matrix = to_fsl @ np.linalg.inv(moved) @ np.linalg.inv(to_fsl)
    centre = (np.array(shape) - 1) / 2 * zooms
    turn = matrix[:3, :3]
    shift = matrix[:3, 3] + turn @ centre - centre
    about_x = np.arctan2(turn[1, 2], turn[2, 2])
    about_y = np.arctan2(-turn[0, 2], np.hypot(turn[0, 0], turn[0, 1]))
    about_z = np.arctan2(turn[0, 1], turn[0, 0])
    return np.array([*shift, about_x, about_y, about_z])


def root_mean_square(matrices: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Mean distance by which a head moved since the volume before, mm; NaN for the first.

    Jenkinson et al. 2002, doi:10.1006/nimg.2002.1132: over a sphere of 80 mm.

    Parameters
    ----------
    matrices
        Volumes x 4 x 4.
    centre
        Of the sphere, world of the reference.
    """
    moved = np.full(len(matrices), np.nan)
    for index in range(1, len(matrices)):
        change = np.linalg.inv(matrices[index - 1]) @ matrices[index] - np.eye(4)
        turn = change[:3, :3]
        shift = change[:3, 3] + turn @ centre
        moved[index] = np.sqrt(HEAD_RADIUS_MM**2 / 5 * np.trace(turn.T @ turn) + shift @ shift)
    return moved

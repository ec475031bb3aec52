"""Rigid registration of a BOLD reference to the tissues of the T1w."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy import ndimage, optimize

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.functional.boundary import (
    Boundary,
    boundary_cost,
    contrast,
    white_boundary,
)
from bids_brainage.preprocessing.functional.grid import sample, sampled_at, voxel_points
from bids_brainage.preprocessing.functional.reference import dice, refined_mask, rough_mask
from bids_brainage.preprocessing.functional.rigid import apply, small_motion
from bids_brainage.records.segmentation import Segmentation

_ARM_MM = 50.0  # one unit of rotation moves the surface of a head by 1 mm
_COARSE_FWHM_MM = 8.0
_FINE_FWHM_MM = 4.0
_POINTS = 8_000
_AROUND_MM = 15.0
_GRID_MM = 2.0
_MINIMUM_VIEW = 0.2
_FURTHEST_MM = 8.0
_MINIMUM_DICE = 0.6
_MINIMUM_EXPLAINED = 0.3
_WEAK_COST = 0.8
_HINT = (
    "look at both images: is it the same person, is the orientation right, is the brain in view?"
)


@dataclass(frozen=True)
class Registration:
    """Where the T1w lies in the run.

    Parameters
    ----------
    matrix
        RAS world of the T1w to RAS world of the run, 4x4.
    mask
        Brain mask on the grid of the run.
    numbers
        Quality of the fit.
    notes
        Choices and warnings.
    """

    matrix: np.ndarray
    mask: np.ndarray
    numbers: dict[str, float | str]
    notes: tuple[str, ...]


def register_to_t1w(
    reference: np.ndarray, affine: np.ndarray, segmentation: Segmentation
) -> Registration:
    """Find the rigid transform in three steps.

    First the correlation ratio (Roche et al. 1998, doi:10.1007/BFb0056301) of the smoothed
    reference with the smoothed tissue probabilities, which needs no assumption about contrast,
    from the scanner's coordinates and from centres of mass; then the same with less smoothing;
    then the border of white matter (`boundary_cost`).

    Parameters
    ----------
    reference, affine
        Reference volume of the run.

    Raises
    ------
    InputError
        If the result is implausible.
    """
    zooms = nib.affines.voxel_sizes(affine)
    tissues, grid = coarse_tissues(segmentation)
    rough = rough_mask(reference, zooms)
    centre = _centre(tissues[1:].sum(axis=0), grid)
    search = _Search(reference * rough, affine, tissues, grid, centre)
    starts = {
        "scanner coordinates": np.zeros(6),
        "centres of mass": np.append(_centre(rough.astype(np.float32), affine) - centre, [0] * 3),
    }
    found = {name: search.best(start, _COARSE_FWHM_MM, 0.05) for name, start in starts.items()}
    name = max(found, key=lambda key: search.explained(found[key], _COARSE_FWHM_MM))
    by_tissue = search.best(found[name], _FINE_FWHM_MM, 0.02)
    boundary = white_boundary(segmentation.probabilities, segmentation.affine)
    by_border = _by_border(boundary, by_tissue, centre, reference, affine)
    moved = float(np.abs(by_border - by_tissue).max())
    notes = []
    chosen, method = by_border, "boundary"
    if moved > _FURTHEST_MM:
        chosen, method = by_tissue, "intensity"
        notes.append(
            f"the fit to the white-matter border went {moved:.0f} mm astray and was not used; "
            "registration rests on intensities"
        )
    matrix = _matrix(chosen, centre)
    return _judged(
        matrix, method, name, search.explained(chosen, _FINE_FWHM_MM), boundary, rough,
        reference, affine, segmentation, notes,
    )  # fmt: skip


def _judged(
    matrix: np.ndarray,
    method: str,
    start: str,
    explained: float,
    boundary: Boundary,
    rough: np.ndarray,
    reference: np.ndarray,
    affine: np.ndarray,
    segmentation: Segmentation,
    notes: list[str],
) -> Registration:
    """Make the mask, measure the fit, and refuse what cannot be right."""
    everywhere = voxel_points(reference.shape, affine, np.arange(reference.size))
    inside = sample(
        segmentation.brain.astype(np.float32),
        segmentation.affine,
        apply(np.linalg.inv(matrix), everywhere),
    )
    anatomical = (inside > 0.5).reshape(reference.shape)
    overlap = dice(rough, anatomical)
    if overlap < _MINIMUM_DICE or explained < _MINIMUM_EXPLAINED:
        raise InputError(
            f"registration of BOLD to T1w failed: brain masks overlap by {overlap:.2f} (Dice), "
            f"tissues explain {explained:.0%} of the image",
            hint=_HINT,
        )
    mask, covered = refined_mask(reference, nib.affines.voxel_sizes(affine), anatomical)
    cost = boundary_cost(matrix, boundary, reference, affine)
    if cost > _WEAK_COST:
        notes.append(
            f"BOLD and T1w fit weakly at the border of white matter (cost {cost:.2f}, where 1 is "
            "chance); look at the picture of the registration"
        )
    seen = _share_in_view(segmentation, matrix, affine, reference.shape)
    if seen < 0.9:
        notes.append(f"only {seen:.0%} of the brain lies in the view of the run")
    numbers: dict[str, float | str] = {
        "Method": method,
        "Start": start,
        "BoundaryCost": cost,
        "GreyWhiteContrastPercent": float(np.median(contrast(matrix, boundary, reference, affine))),
        "TissueExplainedVariance": explained,
        "MaskDice": overlap,
        "ShareOfBrainInView": seen,
        "ShareOfBrainWithSignal": covered,
    }
    return Registration(matrix, mask, numbers, tuple(notes))


def coarse_tissues(segmentation: Segmentation) -> tuple[np.ndarray, np.ndarray]:
    """Tissue probabilities in blocks of about 2 mm, ``[4, x, y, z]``, and the affine of them."""
    zooms = nib.affines.voxel_sizes(segmentation.affine)
    factors = np.maximum(1, np.rint(_GRID_MM / zooms)).astype(int)
    maps = segmentation.probabilities
    shape = np.array(maps.shape[1:]) // factors
    if shape.min() < 1:
        factors, shape = np.ones(3, dtype=int), np.array(maps.shape[1:])
    cut = maps[(slice(None), *(slice(0, n) for n in shape * factors))]
    blocks = cut.reshape(4, shape[0], factors[0], shape[1], factors[1], shape[2], factors[2])
    affine = segmentation.affine @ np.diag([*factors.astype(float), 1.0])
    affine[:3, 3] = nib.affines.apply_affine(segmentation.affine, (factors - 1) / 2)
    return blocks.mean(axis=(2, 4, 6), dtype=np.float32), affine


class _Search:
    """Share of the reference that tissue probabilities explain, and its best transform."""

    def __init__(
        self,
        reference: np.ndarray,
        affine: np.ndarray,
        tissues: np.ndarray,
        grid: np.ndarray,
        centre: np.ndarray,
    ) -> None:
        self.affine = affine
        self.shape = np.array(reference.shape)[:, None]
        self.centre = centre
        zooms = nib.affines.voxel_sizes(grid)
        brain = tissues[0] < 0.5
        near = ndimage.distance_transform_edt(~brain, sampling=zooms) < _AROUND_MM
        flat = np.flatnonzero(near)
        flat = flat[:: max(1, len(flat) // _POINTS)]
        self.points = voxel_points(brain.shape, grid, flat)
        self.levels = {}
        for fwhm in (_COARSE_FWHM_MM, _FINE_FWHM_MM):
            sigma = fwhm / 2.3548
            smooth = [ndimage.gaussian_filter(map_, sigma / zooms, truncate=3) for map_ in tissues]
            basis = np.stack([np.ones(len(flat)), *(map_.ravel()[flat] for map_ in smooth[1:])])
            volume = ndimage.gaussian_filter(
                reference, sigma / nib.affines.voxel_sizes(affine), truncate=3
            )
            self.levels[fwhm] = (basis, volume)

    def explained(self, parameters: np.ndarray, fwhm: float) -> float:
        basis, volume = self.levels[fwhm]
        places = sampled_at(apply(_matrix(parameters, self.centre), self.points), self.affine)
        seen = np.all((places > -0.5) & (places < self.shape - 0.5), axis=0)
        if seen.mean() < _MINIMUM_VIEW:
            return 0.0
        values = ndimage.map_coordinates(volume, places[:, seen], order=1, mode="nearest")
        values = values - values.mean()
        total = float(values @ values)
        basis = basis[:, seen]
        weights, *_ = np.linalg.lstsq(basis @ basis.T, basis @ values, rcond=None)
        return float(((weights @ basis) ** 2).sum() / total) if total > 0 else 0.0

    def best(self, start: np.ndarray, fwhm: float, tolerance: float) -> np.ndarray:
        return _powell(lambda p: 1 - self.explained(p, fwhm), start, tolerance)


def _by_border(
    boundary: Boundary,
    start: np.ndarray,
    centre: np.ndarray,
    reference: np.ndarray,
    affine: np.ndarray,
) -> np.ndarray:
    if boundary.inside.shape[1] < 100:
        return start
    return _powell(
        lambda p: boundary_cost(_matrix(p, centre), boundary, reference, affine), start, 0.01
    )


def _powell(cost, start: np.ndarray, tolerance: float) -> np.ndarray:
    found = optimize.minimize(
        cost, start, method="Powell", options={"xtol": tolerance, "ftol": 1e-4, "maxfev": 2000}
    )
    return found.x


def _matrix(parameters: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return small_motion(np.append(parameters[:3], parameters[3:] / _ARM_MM), centre)


def _centre(weights: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return nib.affines.apply_affine(affine, ndimage.center_of_mass(weights))


def _share_in_view(
    segmentation: Segmentation, matrix: np.ndarray, affine: np.ndarray, shape: tuple[int, ...]
) -> float:
    flat = np.flatnonzero(segmentation.brain)[::50]
    points = voxel_points(segmentation.brain.shape, segmentation.affine, flat)
    places = sampled_at(apply(matrix, points), affine)
    limits = np.array(shape)[:, None] - 0.5
    return float(np.all((places > -0.5) & (places < limits), axis=0).mean())

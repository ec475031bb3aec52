"""Quality numbers of raw images after preprocessing."""

from collections.abc import Mapping, Sequence

import nibabel as nib
import numpy as np
from scipy import ndimage

from bids_brainage.features.template_quality import (
    StandardBrain,
    dice,
    landmark_distance,
    mirrored,
    rotation,
    sampled_points,
    share_in_view,
    standard_brain,
)
from bids_brainage.features.tissue_volumes import TOTAL, tissue_volumes
from bids_brainage.records.raw import AnatomicalResult, FunctionalResult
from bids_brainage.records.segmentation import TISSUES, Segmentation

Quality = dict[str, float | None]

PURE = 0.9
HIGH_MOTION_MM = 0.5
_AIR_GRID_MM = 2.0
_AIR_MARGIN_MM = 8.0
_HEAD_LEVEL = 0.15
_MINIMUM_AIR = 1000
_SLAB = 8


def anatomical_quality(result: AnatomicalResult) -> Quality:
    """Measure the T1w image, its segmentation and its registration.

    Signal, contrast and background follow the definitions of MRIQC (Esteban et al. 2017,
    doi:10.1371/journal.pone.0184661), with our tissues and a head mask by threshold.

    Returns
    -------
        Values by the columns of the predictions table; None where one cannot be measured.
    """
    data = np.asarray(result.preproc.dataobj)
    quality = _contrast(data, result) | _volumes(result.segmentation)
    quality |= _standard_space(result, standard_brain(result.mni))
    quality["t1w_voxel_size"] = float(max(nib.affines.voxel_sizes(result.preproc.affine)))
    return {name: _known(value) for name, value in quality.items()}


def functional_quality(result: FunctionalResult) -> Quality:
    """Measure one BOLD run and its registration.

    Returns
    -------
        Values by the columns of the predictions table; None where one cannot be measured.
        ``n_volumes`` and ``mean_fd`` are those of the run before censoring.
    """
    mask = np.asarray(result.mask.dataobj) > 0
    brain = standard_brain(result.mask).brain
    displacement = _confound(result, "framewise_displacement")
    quality = {
        "n_volumes": float(result.bold.shape[3]),
        "mean_fd": _mean(displacement),
        "high_motion_share": _mean((displacement > HIGH_MOTION_MM).astype(float)),
        "mean_std_dvars": _mean(_confound(result, "std_dvars")),
        "tsnr": _temporal_snr(result.bold, mask),
        "bold_registration_overlap": dice(mask, brain),
        "bold_brain_coverage": float(mask[brain].mean()) if brain.any() else np.nan,
    }
    return {name: _known(value) for name, value in quality.items()}


def mean_quality(runs: Sequence[Mapping[str, float | None]]) -> Quality:
    """Quality of a session's runs together: means weighted by volumes, volumes summed."""
    combined: Quality = {}
    for name in dict.fromkeys(name for run in runs for name in run):
        known = [
            (v, run.get("n_volumes") or 1.0) for run in runs if (v := run.get(name)) is not None
        ]
        values, weights = [v for v, _ in known], [w for _, w in known]
        if not known:
            combined[name] = None
        elif name == "n_volumes":
            combined[name] = float(sum(values))
        else:
            combined[name] = float(np.average(values, weights=weights))
    return combined


def _contrast(data: np.ndarray, result: AnatomicalResult) -> Quality:
    probabilities = result.segmentation.probabilities
    grey, white = data[probabilities[1] > PURE], data[probabilities[2] > PURE]
    quality: Quality = dict.fromkeys(("t1w_snr", "t1w_cnr", "t1w_fber"))
    if white.size < 2 or grey.size < 2:
        return quality
    head, air = np.empty(0), np.empty(0)
    if not result.skull_stripped:
        head, air = _head_and_air(result.preproc, _HEAD_LEVEL * float(np.median(white)))
    spread = float(np.sqrt(white.var() + grey.var() + (air.var() if air.size else 0.0)))
    if white.std() > 0:
        quality["t1w_snr"] = float(white.mean() / white.std(ddof=1))
    if spread > 0:
        quality["t1w_cnr"] = float(abs(white.mean() - grey.mean()) / spread)
    if air.size:
        background = float(np.median(air.astype(np.float64) ** 2))
        if background > 0:
            quality["t1w_fber"] = float(np.median(head.astype(np.float64) ** 2)) / background
    return quality


def _head_and_air(image: nib.Nifti1Image, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Values in the head and in the air around it; no air if it was set to zero or cut off."""
    steps = [max(1, round(_AIR_GRID_MM / size)) for size in image.header.get_zooms()[:3]]
    data = np.asarray(image.dataobj)[tuple(slice(None, None, step) for step in steps)]
    head = ndimage.gaussian_filter(data.astype(np.float32), 1.0) > level
    pieces, count = ndimage.label(head)
    if not count:
        return np.empty(0), np.empty(0)
    head = ndimage.binary_fill_holes(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)
    reach = ndimage.distance_transform_edt(
        ~head, sampling=[z * s for z, s in zip(image.header.get_zooms(), steps, strict=False)]
    )
    air = data[reach > _AIR_MARGIN_MM]
    if air.size < _MINIMUM_AIR or (air == 0).mean() > 0.5:
        air = np.empty(0)
    return data[head], air


def _volumes(segmentation: Segmentation) -> Quality:
    """Intracranial volume in mL and the tissues' shares of it."""
    volumes = tissue_volumes(segmentation)
    total = volumes[TOTAL]
    shares = {f"{name.lower()}_fraction": volumes[name] for name in TISSUES[1:]}
    return {
        "intracranial_volume": total / 1000,
        **{name: volume / total if total > 0 else None for name, volume in shares.items()},
    }


def _standard_space(result: AnatomicalResult, template: StandardBrain) -> Quality:
    probabilities = result.mni_segmentation
    brain = probabilities[1:].sum(axis=0) > 0.5
    white = probabilities[2] > 0.5
    points, moved = sampled_points(result.to_mni, standard_brain(result.to_mni).brain)
    return {
        "registration_overlap": dice(brain, template.brain),
        "registration_wm_overlap": dice(white, template.white),
        "landmark_distance": landmark_distance(result.segmentation, result.from_mni),
        "mirror_overlap": dice(brain, mirrored(brain, result.mni.affine)),
        "head_rotation": rotation(points, moved),
        "t1w_brain_coverage": share_in_view(moved, result.preproc),
    }


def _temporal_snr(bold: nib.Nifti1Image, mask: np.ndarray) -> float:
    """Median over the mask of mean over standard deviation along time."""
    found = []
    for start in range(0, mask.shape[2], _SLAB):
        part = mask[:, :, start : start + _SLAB]
        if not part.any():
            continue
        series = np.asarray(bold.dataobj[:, :, start : start + _SLAB])[part].astype(np.float64)
        spread = series.std(axis=1)
        varies = spread > 0
        found.append(series[varies].mean(axis=1) / spread[varies])
    values = np.concatenate(found) if found else np.empty(0)
    return float(np.median(values)) if values.size else np.nan


def _confound(result: FunctionalResult, name: str) -> np.ndarray:
    values = np.asarray(result.confounds.get(name, ()), dtype=float)
    return values[np.isfinite(values)]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None

"""Scores of a segmentation against labels: Dice and volumes of tissues and regions."""

from collections.abc import Mapping, Sequence

import nibabel as nib
import numpy as np

from bids_brainage.models.resunet_compact import CompactResUNet
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.preprocessing.segmentation import segment_with
from bids_brainage.records.segmentation import TISSUES, Segmentation
from bids_brainage.training.segmentation.data import SPACING, Head
from bids_brainage.training.segmentation.losses import dice

Scores = dict[str, float]
VOXEL = SPACING**3


def segment_head(network: CompactResUNet, head: Head, *, strip: bool = False) -> Segmentation:
    """Segment a head by the whole path; ``strip`` takes away what is not brain first."""
    image = np.where(head.regions > 0, head.image, 0) if strip else head.image
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    return segment_with(network, nib.Nifti1Image(image.astype(np.float32), affine))


def tissue_scores(tissue: np.ndarray, truth: np.ndarray, spacing: float = SPACING) -> Scores:
    """Dice of the brain and of each tissue, and volume in ml of both.

    Parameters
    ----------
    tissue, truth
        Tissue numbers.
    """
    scores = {"brain_dice": dice(tissue > 0, truth > 0)}
    for number, name in enumerate(TISSUES):
        if number:
            found, wanted = tissue == number, truth == number
            scores[f"{name}_dice"] = dice(found, wanted)
            scores[f"{name}_ml"] = float(found.sum()) * spacing**3 / 1000
            scores[f"{name}_label_ml"] = float(wanted.sum()) * spacing**3 / 1000
    return scores


def region_scores(regions: np.ndarray, truth: np.ndarray) -> dict[str, Scores]:
    """Dice and volumes in ml of every region."""
    scores = {}
    for region in region_table():
        found, wanted = regions == region.number, truth == region.number
        scores[region.name] = {
            "dice": dice(found, wanted),
            "ml": float(found.sum()) * VOXEL / 1000,
            "label_ml": float(wanted.sum()) * VOXEL / 1000,
        }
    return scores


def volume_agreement(found: Sequence[float], wanted: Sequence[float]) -> Scores:
    """Mean ratio and Pearson correlation of volumes of several people."""
    a, b = np.asarray(found, float), np.asarray(wanted, float)
    usable = b > 0
    ratio = float(np.mean(a[usable] / b[usable])) if usable.any() else float("nan")
    varies = len(a) > 2 and a.std() > 0 and b.std() > 0
    return {"ratio": ratio, "r": float(np.corrcoef(a, b)[0, 1]) if varies else float("nan")}


def summary(rows: Sequence[Mapping[str, float]], name: str) -> tuple[float, float, float]:
    """Mean, smallest and largest of one score over people."""
    values = np.array([row[name] for row in rows], float)
    return float(values.mean()), float(values.min()), float(values.max())

"""Segmenting images outside of BIDS, and scoring them against label images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.bids.outputs import write_tsv
from bids_brainage.errors import InputError, MissingInputError, OutputError, UsageError
from bids_brainage.preprocessing.regions import region_tissues, regions_of_codes
from bids_brainage.preprocessing.segmentation import segment
from bids_brainage.records.segmentation import TISSUES, Segmentation
from bids_brainage.training.segmentation.losses import dice

COLUMNS = ("image", "brain_ml", "GM_ml", "WM_ml", "CSF_ml", "brain_dice", "GM_dice", "WM_dice",
           "CSF_dice", "regions_dice")  # fmt: skip


def score_images(
    images: Sequence[Path], labels: Sequence[Path], output: Path, model: str, device: str
) -> list[dict[str, Any]]:
    """Segment images and write tissue and region labels and a table of volumes and Dice.

    Parameters
    ----------
    images
        T1w of any orientation and voxel size.
    labels
        Label images of MUSE codes on the grids of the images; empty for none.

    Raises
    ------
    UsageError
        If there are labels, but not one per image.
    MissingInputError
        If a file does not exist.
    InputError
        If an image is not 3D, or labels are on another grid.
    """
    if labels and len(labels) != len(images):
        raise UsageError(
            f"{len(labels)} label images for {len(images)} images", hint="give one per image"
        )
    rows = []
    for index, path in enumerate(images):
        image = read(path)
        found = segment(image, model=model, device=device)
        _write(found, output, path)
        row: dict[str, Any] = {"image": path.name, **_volumes(found)}
        if labels:
            row |= _scores(found, read(labels[index]), labels[index])
        rows.append(row)
    write_tsv(output / "scores.tsv", rows, COLUMNS)
    return rows


def read(path: Path) -> nib.Nifti1Image:
    """Read a 3D image in RAS+; an axis of length one at the end is dropped."""
    if not path.is_file():
        raise MissingInputError("no such image", place=path)
    try:
        image = nib.as_closest_canonical(nib.load(path))
        data = np.asarray(image.dataobj, dtype=np.float32)
    except (nib.filebasedimages.ImageFileError, OSError, EOFError, ValueError) as error:
        raise InputError(f"unreadable image: {error}", place=path) from error
    if data.ndim == 4 and data.shape[3] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise InputError(f"the image has {data.ndim} axes", place=path, hint="give a 3D image")
    return nib.Nifti1Image(data, image.affine)


def _volumes(found: Segmentation) -> dict[str, float]:
    voxel = abs(float(np.linalg.det(found.affine[:3, :3]))) / 1000
    volumes = {"brain_ml": round(float(found.brain.sum()) * voxel, 1)}
    for number in range(1, 4):
        size = float((found.tissue == number).sum())
        volumes[f"{TISSUES[number]}_ml"] = round(size * voxel, 1)
    return volumes


def _scores(found: Segmentation, labels: nib.Nifti1Image, path: Path) -> dict[str, float]:
    codes = np.rint(np.asarray(labels.dataobj)).astype(np.int16)
    if codes.shape != found.tissue.shape:
        raise InputError(
            f"labels of {codes.shape} voxels for an image of {found.tissue.shape}", place=path
        )
    regions = regions_of_codes(codes)
    tissue = np.asarray(region_tissues())[regions]
    scores = {"brain_dice": dice(found.brain, regions > 0)}
    for number in range(1, 4):
        scores[f"{TISSUES[number]}_dice"] = dice(found.tissue == number, tissue == number)
    each = [dice(found.regions == k, regions == k) for k in range(1, len(region_tissues()))]
    scores["regions_dice"] = float(np.nanmean(each)) if not np.isnan(each).all() else np.nan
    return {name: round(float(value), 4) for name, value in scores.items()}


def _write(found: Segmentation, output: Path, path: Path) -> None:
    stem = path.name.removesuffix(".gz").removesuffix(".nii").removesuffix("_T1w")
    try:
        output.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(found.tissue, found.affine), output / f"{stem}_dseg.nii.gz")
        regions = nib.Nifti1Image(found.regions, found.affine)
        nib.save(regions, output / f"{stem}_desc-regions_dseg.nii.gz")
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=output) from error

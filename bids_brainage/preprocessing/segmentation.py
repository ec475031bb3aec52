"""Brain mask, tissues and regions of a T1w image by the ResUNet."""

from functools import lru_cache

import nibabel as nib
import numpy as np
import torch
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.models.resunet_compact import CompactResUNet, fast_layout
from bids_brainage.models.store import load_kind
from bids_brainage.preprocessing.pieces import bounding_box, largest_piece
from bids_brainage.preprocessing.regions import Region, region_table
from bids_brainage.preprocessing.separable import resample_axes
from bids_brainage.preprocessing.tissue_network import find_tissues
from bids_brainage.records.segmentation import Segmentation

__all__ = ["Region", "region_table", "segment", "segment_with"]


def segment(image: nib.Nifti1Image, *, model: str = "resunet", device: str = "cpu") -> Segmentation:
    """Cut a head into brain mask, tissues and regions.

    The image is resampled to the network's voxel size, segmented there, and the probabilities
    are carried back to its own grid by linear interpolation.

    Parameters
    ----------
    image
        T1w, RAS+, of any voxel size and field of view, whole head or skull-stripped.
    model
        Shipped model of the family ``resunet`` (compact variant), or a folder.
    device
        Where the network runs.

    Returns
    -------
    Segmentation
        On the image's grid; without any brain if the network sees none.

    Raises
    ------
    InputError
        If the image is not 3D.
    ModelError
        If there is no such model, or it is of another kind.
    """
    return segment_with(load_network(model, device), image)


def segment_with(network: CompactResUNet, image: nib.Nifti1Image) -> Segmentation:
    """Cut a head with a loaded network; see `segment`."""
    data = np.asarray(image.dataobj, dtype=np.float32)
    if data.ndim != 3:
        raise InputError(f"the image to segment has {data.ndim} axes", hint="give a 3D image")
    zooms = [float(z) for z in image.header.get_zooms()[:3]]
    spacing = network.config.spacing
    shape = [int(np.ceil(n * z / spacing - 1e-3)) for n, z in zip(data.shape, zooms, strict=True)]
    volume = resample_axes(
        torch.from_numpy(np.nan_to_num(data, posinf=0, neginf=0)), zooms, shape, [spacing] * 3
    )
    found = find_tissues(network, volume)
    probabilities = carry_back(found.probabilities, spacing, data.shape, zooms)
    brain = largest_piece(probabilities[0] <= 0.5)
    tissue, regions = np.zeros(data.shape, np.int8), np.zeros(data.shape, np.int16)
    box = bounding_box(brain)
    if box is not None:
        # A filled hole has the best of the three tissues, as every voxel of the brain.
        best = probabilities[(slice(1, None), *box)].argmax(axis=0) + 1
        tissue[box] = np.where(brain[box], best, 0)
        regions[box] = _regions(found.regions, tissue, box, spacing, zooms)
    return Segmentation(tissue, probabilities, brain, regions, np.asarray(image.affine))


@lru_cache(maxsize=2)
def load_network(model: str, device: str) -> CompactResUNet:
    """Load a compact network once per process."""
    return fast_layout(load_kind(model, CompactResUNet)[0]).to(device)


def carry_back(
    probabilities: Tensor, spacing: float, shape: tuple[int, ...], zooms: list[float]
) -> np.ndarray:
    """Interpolate probabilities to the image's grid; they sum to 1 again."""
    out = np.empty((4, *shape), np.float32)
    for k in range(1, 4):
        part = resample_axes(probabilities[k], [spacing] * 3, shape, zooms)
        out[k] = part.numpy()
    # In place: an image of 0.7 mm has 40 million voxels.
    np.subtract(1, out[1], out=out[0])
    out[0] -= out[2]
    out[0] -= out[3]
    np.clip(out[0], 0, 1, out=out[0])
    return out


def _regions(
    best: Tensor,
    tissue: np.ndarray,
    box: tuple[slice, slice, slice],
    spacing: float,
    zooms: list[float],
) -> np.ndarray:
    """Region of the nearest voxel of the network's grid, for each voxel's tissue in a box."""
    index = []
    for axis, (n, zoom, part) in enumerate(zip(tissue.shape, zooms, box, strict=True)):
        m = best.shape[axis + 1]
        place = (np.arange(n)[part] - (n - 1) / 2) * zoom / spacing + (m - 1) / 2
        index.append(np.clip(np.rint(place).astype(int), 0, m - 1))
    inside = tissue[box]
    regions = np.zeros(inside.shape, np.int16)
    for number in range(1, 4):
        carried = best[number - 1].numpy()[np.ix_(*index)]
        np.copyto(regions, carried, where=inside == number)
    return regions

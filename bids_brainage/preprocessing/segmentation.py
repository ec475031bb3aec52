"""Brain mask, tissues and regions of a T1w image by the ResUNet."""

from functools import lru_cache

import nibabel as nib
import numpy as np
import torch
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.models.resunet_compact import CompactResUNet, fast_layout
from bids_brainage.models.store import load_kind
from bids_brainage.preprocessing.pieces import largest_piece
from bids_brainage.preprocessing.regions import Region, region_table
from bids_brainage.preprocessing.separable import resample_axes
from bids_brainage.preprocessing.tissue_network import best_tissue, find_tissues
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
    tissue = best_tissue(probabilities)
    # A filled hole has the tissue that comes next.
    inner = brain & (tissue == 0)
    tissue[inner] = probabilities[1:, inner].argmax(axis=0) + 1
    tissue[~brain] = 0
    regions = _regions(found.regions, tissue, spacing, zooms)
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
    np.clip(1 - out[1] - out[2] - out[3], 0, 1, out=out[0])
    return out


def _regions(best: Tensor, tissue: np.ndarray, spacing: float, zooms: list[float]) -> np.ndarray:
    """Region of the nearest voxel of the network's grid, for each voxel's tissue."""
    index = []
    for axis, (n, zoom) in enumerate(zip(tissue.shape, zooms, strict=True)):
        m = best.shape[axis + 1]
        place = (np.arange(n) - (n - 1) / 2) * zoom / spacing + (m - 1) / 2
        index.append(np.clip(np.rint(place).astype(int), 0, m - 1))
    regions = np.zeros(tissue.shape, np.int16)
    maps = best.numpy()
    for number in range(1, 4):
        here = np.nonzero(tissue == number)
        regions[here] = maps[(number - 1, *(i[h] for i, h in zip(index, here, strict=True)))]
    return regions

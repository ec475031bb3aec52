"""Labels for brains that have none: carried from a labelled head, refined by ANTs."""

import numpy as np
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter

from bids_brainage.preprocessing.regions import region_table, region_tissues

FORCED = ("Pallidum", "Putamen", "Thalamus", "VentralDC", "BrainStem", "Hippocampus", "Amygdala")
AFFINE = "-d 3 -a -dof 12 -i fixed moving -o affine -m NCC 2x2x2 -n 60x30x0 -ia-image-centers"
DEFORM = "-d 3 -i fixed moving -it affine -o warp -m NCC 2x2x2 -n 60x40x15 -s 2.0vox 0.7vox"
RESLICE = "-d 3 -rf fixed -ri NN -rm labels carried -r warp affine"
PRIOR_WEIGHT = 0.25


def brain_box(image: np.ndarray, margin: int = 3) -> tuple[slice, slice, slice]:
    """Return the box around all voxels above zero, so that nothing is computed on air."""
    found = np.argwhere(image > 0)
    low = np.maximum(found.min(axis=0) - margin, 0)
    high = found.max(axis=0) + margin + 1
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def carry_labels(
    image: np.ndarray, donor: np.ndarray, donor_regions: np.ndarray, spacing: float = 2.0
) -> np.ndarray:
    """Carry region labels from a labelled brain to another by greedy registration.

    Parameters
    ----------
    image
        Skull-stripped T1w, RAS+, isotropic.
    donor, donor_regions
        T1w of the labelled head and its region numbers, on a grid of the same voxel size.
    spacing
        Voxel size in mm.

    Returns
    -------
    np.ndarray
        Region numbers on the grid of ``image``.
    """
    import SimpleITK as sitk
    from picsl_greedy import Greedy3D

    def as_itk(array: np.ndarray) -> "sitk.Image":
        out = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
        out.SetSpacing([spacing] * 3)
        return out

    fixed = as_itk(image.astype(np.float32))
    moving = as_itk(np.where(donor_regions > 0, donor, 0).astype(np.float32))
    greedy = Greedy3D()
    greedy.execute(f"{AFFINE} -V 0 -threads 1", fixed=fixed, moving=moving, affine=None)
    greedy.execute(f"{DEFORM} -V 0 -threads 1", fixed=fixed, moving=moving, warp=None)
    labels = as_itk(donor_regions.astype(np.int16))
    greedy.execute(f"{RESLICE} -V 0 -threads 1", fixed=fixed, labels=labels, carried=None)
    carried = sitk.GetArrayFromImage(greedy["carried"]).transpose(2, 1, 0)
    return np.rint(carried).astype(np.int16)


def ants_tissues(image: np.ndarray, regions: np.ndarray | None = None) -> np.ndarray:
    """Segment a skull-stripped brain with ANTs Atropos, with or without spatial priors.

    Parameters
    ----------
    image
        Skull-stripped T1w at 2 mm; zero is background.
    regions
        Carried region numbers whose tissues, blurred, are the priors; none for k-means.

    Returns
    -------
    np.ndarray
        Tissue numbers, int8.
    """
    import ants

    inside = binary_fill_holes(image > 0)
    t1w = ants.from_numpy(image.astype(np.float32), spacing=(2.0, 2.0, 2.0))
    mask = ants.from_numpy(inside.astype(np.float32), spacing=(2.0, 2.0, 2.0))
    t1w = ants.n4_bias_field_correction(t1w, mask=mask, shrink_factor=4)
    if regions is None:
        found = ants.atropos(a=t1w, m="[0.2,1x1x1]", c="[5,0]", i="kmeans[3]", x=mask)
        # Its classes are in the order of their intensity: CSF, GM, WM.
        order = np.array([0, 3, 1, 2], np.int8)
    else:
        blurred = prior_maps(regions, inside)
        priors = [ants.from_numpy(p, spacing=(2.0, 2.0, 2.0)) for p in blurred]
        found = ants.atropos(
            a=t1w, m="[0.2,1x1x1]", c="[5,0]", i=priors, x=mask, priorweight=PRIOR_WEIGHT
        )
        order = np.array([0, 1, 2, 3], np.int8)
    return order[np.rint(found["segmentation"].numpy()).astype(int)] * inside.astype(np.int8)


def prior_maps(regions: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """Blur the tissues of carried regions into priors of GM, WM and CSF."""
    tissue = np.asarray(region_tissues())[regions]
    tissue = np.where((tissue == 0) & inside, 3, tissue)
    maps = [gaussian_filter((tissue == k).astype(np.float32), 1.0) + 0.02 for k in (1, 2, 3)]
    total = np.sum(maps, axis=0)
    return [(m / total * inside).astype(np.float32) for m in maps]


def refine(carried: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Make carried regions follow ANTs' tissues.

    Deep structures, whose grey value is not that of their tissue, keep the carried tissue; all
    other voxels get the nearest region of their tissue.

    Returns
    -------
    np.ndarray
        Region numbers.
    """
    tissues = np.asarray(region_tissues(), np.int8)
    forced = [r.number for r in region_table() if r.name.rpartition("-")[2] in FORCED]
    tissue = np.where(np.isin(carried, forced) & (tissue > 0), tissues[carried], tissue)
    regions = np.zeros_like(carried)
    for number in (1, 2, 3):
        here = tissue == number
        source = tissues[carried] == number
        if here.any() and source.any():
            nearest = distance_transform_edt(~source, return_distances=False, return_indices=True)
            regions[here] = carried[tuple(nearest[:, here])]
    return regions

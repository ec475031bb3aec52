"""Small BOLD runs in MNI space with known signals painted into atlas regions; for tests only."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from bids_brainage.preprocessing.parcellation import Atlas
from bids_brainage.preprocessing.templates import brain_mask, labels_on_grid
from bids_brainage.records.inputs import BoldRun

MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


def grid(resolution: float = 6.0) -> nib.Nifti1Image:
    """Empty image that covers the brain."""
    shape = tuple(int(size // resolution) + 1 for size in (156, 192, 156))
    affine = np.diag([resolution, resolution, resolution, 1.0])
    affine[:3, 3] = (-78, -114, -66)
    return nib.Nifti1Image(np.zeros(shape, dtype=np.uint8), affine)


def correlated_series(n_volumes: int, n_regions: int, seed: int = 0) -> np.ndarray:
    """Series with a few shared sources, so that correlations differ from zero."""
    generator = np.random.default_rng(seed)
    sources = generator.standard_normal((n_volumes, 6))
    mixing = generator.standard_normal((6, n_regions))
    return sources @ mixing + generator.standard_normal((n_volumes, n_regions))


def motion_table(n_volumes: int, seed: int = 1) -> pd.DataFrame:
    """Six motion parameters of a calm person."""
    steps = np.random.default_rng(seed).standard_normal((n_volumes, 6))
    values = 0.02 * np.cumsum(steps, axis=0)
    values[:, 3:] /= 50
    return pd.DataFrame(values, columns=list(MOTION))


def write_run(
    folder: Path,
    atlas: Atlas,
    series: np.ndarray,
    *,
    confounds: pd.DataFrame | None = None,
    drift: np.ndarray | None = None,
    reference: nib.Nifti1Image | None = None,
    name: str = "sub-01_task-rest",
    space: str = "MNI152NLin6Asym",
) -> BoldRun:
    """Write BOLD, mask and confounds; ``drift`` is added to every voxel of the brain."""
    folder.mkdir(parents=True, exist_ok=True)
    reference = reference or grid()
    mask = np.asarray(brain_mask(reference).dataobj) > 0
    labels = np.asarray(labels_on_grid(atlas.labels, reference).dataobj).astype(int)
    mask |= labels > 0
    n_volumes = len(series)
    generator = np.random.default_rng(7)
    data = np.zeros((*reference.shape, n_volumes), dtype=np.float32)
    data[mask] = 1000 + generator.standard_normal((int(mask.sum()), n_volumes))
    for column, value in enumerate(atlas.values):
        data[labels == value] += 20 * series[:, column]
    if drift is not None:
        data[mask] += drift.astype(np.float32)
    image = nib.Nifti1Image(data, reference.affine)
    image.header.set_zooms((*reference.header.get_zooms()[:3], 2.0))
    stem = f"{name}_space-{space}"
    bold = folder / f"{stem}_desc-preproc_bold.nii"
    nib.save(image, bold)
    mask_path = folder / f"{stem}_desc-brain_mask.nii"
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), reference.affine), mask_path)
    table = motion_table(n_volumes) if confounds is None else confounds
    table_path = folder / f"{name}_desc-confounds_timeseries.tsv"
    table.to_csv(table_path, sep="\t", index=False, na_rep="n/a")
    entities = tuple(tuple(part.split("-", 1)) for part in stem.split("_"))
    return BoldRun(bold, mask_path, table_path, 2.0, space, entities)

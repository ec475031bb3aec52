"""Synthetic BOLD runs and confounds for the demo dataset; nobody's data."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.preprocessing.atlas import load_atlas
from bids_brainage.preprocessing.templates import brain_mask, brain_template, labels_on_grid

REPETITION_TIME = 2.0
N_VOLUMES = 120
RESOLUTION = 4.0
NETWORKS = 8
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
SPACE = "MNI152NLin6Asym"


def region_series(rng: np.random.Generator, n_regions: int) -> np.ndarray:
    """Smooth series of regions that share a few networks, volumes x regions."""
    weights = rng.normal(size=(NETWORKS, n_regions)) ** 3
    sources = smooth(rng.normal(size=(N_VOLUMES, NETWORKS)))
    own = smooth(rng.normal(size=(N_VOLUMES, n_regions)))
    return sources @ weights / np.linalg.norm(weights, axis=0) + 0.8 * own


def smooth(noise: np.ndarray, memory: float = 0.6) -> np.ndarray:
    """Give white noise the memory that BOLD has (first-order autoregression)."""
    series = noise.copy()
    for row in range(1, len(series)):
        series[row] += memory * series[row - 1]
    return series


def bold_image(rng: np.random.Generator) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Return a BOLD image with the atlas regions' series painted in, and its brain mask."""
    template = brain_template(RESOLUTION)
    mask = brain_mask(template)
    labels = np.asarray(labels_on_grid(load_atlas().labels, template).dataobj).astype(int)
    series = region_series(rng, labels.max())
    background = smooth(rng.normal(size=(N_VOLUMES, 1)))[:, 0]
    anatomy = np.asarray(template.dataobj, dtype=np.float32)
    anatomy = 800 + 400 * anatomy / anatomy.max()
    inside = np.asarray(mask.dataobj) > 0
    data = np.zeros((*template.shape, N_VOLUMES), dtype=np.float32)
    table = np.column_stack([background, series]).astype(np.float32)
    noise = rng.normal(size=(int(inside.sum()), N_VOLUMES)).astype(np.float32)
    data[inside] = anatomy[inside, None] + 10 * table.T[labels[inside]] + 10 * noise
    image = nib.Nifti1Image(np.round(data).astype(np.int16), template.affine)
    image.header.set_zooms((RESOLUTION,) * 3 + (REPETITION_TIME,))
    image.header.set_xyzt_units("mm", "sec")
    return image, nib.Nifti1Image(inside.astype(np.uint8), template.affine)


def confounds(rng: np.random.Generator) -> list[dict[str, float | None]]:
    """Confounds of a person who moves a little, under fMRIPrep's names."""
    steps = rng.normal(scale=[0.02] * 3 + [0.0003] * 3, size=(N_VOLUMES, 6))
    motion = smooth(steps, 0.9)
    others = {
        name: smooth(rng.normal(size=(N_VOLUMES, 1)))[:, 0]
        for name in (
            *(f"a_comp_cor_{i:02d}" for i in range(6)),
            "csf",
            "white_matter",
            "global_signal",
        )
    }
    change = np.diff(motion, axis=0, prepend=np.nan)
    displacement = np.abs(change[:, :3]).sum(1) + 50 * np.abs(change[:, 3:]).sum(1)
    rows: list[dict[str, float | None]] = []
    for t in range(N_VOLUMES):
        row: dict[str, float | None] = {"framewise_displacement": displacement[t]}
        for i, name in enumerate(MOTION):
            row[name] = motion[t, i]
            row[f"{name}_derivative1"] = change[t, i]
            row[f"{name}_power2"] = motion[t, i] ** 2
            row[f"{name}_derivative1_power2"] = change[t, i] ** 2
        row |= {name: values[t] for name, values in others.items()}
        rows.append(row)
    return rows


def write_run(raw: Path, prep: Path | None, stem: str, rng: np.random.Generator) -> None:
    """Write one raw run and what fMRIPrep would have made of it.

    Parameters
    ----------
    raw, prep
        The participant's ``func`` folders in the raw and in the preprocessed dataset; None for a
        run that was not preprocessed.
    stem
        ``sub-…_task-rest``.
    """
    sidecar = {"TaskName": "rest", "RepetitionTime": REPETITION_TIME, "Synthetic": True}
    image, mask = bold_image(rng)
    _save(image, raw, f"{stem}_bold", sidecar)
    if prep is None:
        return
    _save(image, prep, f"{stem}_space-{SPACE}_desc-preproc_bold", sidecar)
    name = f"{stem}_space-{SPACE}_desc-brain_mask"
    _save(mask, prep, name, {"Type": "Brain", "Synthetic": True})
    rows = confounds(rng)
    write_tsv(prep / f"{stem}_desc-confounds_timeseries.tsv", rows, list(rows[0]))


def _save(image: nib.Nifti1Image, folder: Path, name: str, sidecar: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    nib.save(image, folder / f"{name}.nii.gz")
    write_json(folder / f"{name}.json", sidecar)

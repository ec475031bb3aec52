"""Brain of a T1w that is in template space already, kept in OUTPUT_DIR for models of images."""

from pathlib import Path

import numpy as np

from bids_brainage.app.session import Session
from bids_brainage.bids.outputs import session_file, write_json
from bids_brainage.config import SFCN
from bids_brainage.preprocessing import mean_brain
from bids_brainage.preprocessing.brain_image import (
    ZOOMS,
    check_brain,
    grid_affine,
    grid_shape,
    put_on_grid,
    read_brain,
)
from bids_brainage.preprocessing.image_files import scaled_image, write_nifti
from bids_brainage.records.inputs import TemplateT1w

_MNI = 4


def write_template_image(session: Session, t1w: TemplateT1w) -> None:
    """Write the brain at 2 mm and its mask, and at 1 mm where SFCN is among the models.

    Raises
    ------
    InputError
        If it cannot be read, or holds no brain in template space.
    OutputError
        If OUTPUT_DIR cannot be written.
    """
    session.say("T1w in template space")
    data, affine = read_brain(t1w.path, t1w.mask)
    brain = put_on_grid(data, affine, grid_shape(), grid_affine())
    check_brain(brain, ZOOMS, t1w.path)
    sources = [session.dataset.uri(path) for path in (t1w.path, t1w.mask)]
    shared = {"Sources": sources, "SkullStripped": True}
    words = {"Description": "Brain only", "Resolution": "2 mm isotropic"} | shared
    written = [_write(session, f"space-{t1w.space}_res-2_desc-brain_T1w", brain, words)]
    words = {"Type": "Brain", "Resolution": "2 mm isotropic", "Sources": sources}
    mask = (brain != 0).astype(np.float32)
    written.append(_write(session, f"space-{t1w.space}_res-2_desc-brain_mask", mask, words))
    if SFCN in session.config.models:
        brain = put_on_grid(data, affine, mean_brain.SHAPE, mean_brain.AFFINE)
        words = {"Description": "Brain only", "Resolution": "1 mm isotropic"} | shared
        written.append(_write(session, f"space-{t1w.space}_res-1_desc-brain_T1w", brain, words))
    session.progress.sources["image"] = sources
    session.progress.derivatives["image"] = [session.relative(path) for path in written]


def _write(session: Session, suffix: str, data: np.ndarray, words: dict[str, object]) -> Path:
    path = session_file(session.config.output_dir, session.inputs.key, suffix, "anat")
    mask = suffix.endswith("mask")
    step = 1.0 if mask else float(np.abs(data).max()) / np.iinfo(np.int16).max
    affine = grid_affine() if data.shape == grid_shape() else mean_brain.AFFINE
    image = scaled_image(data, affine, step, np.uint8 if mask else np.int16)
    write_json(path.with_name(f"{path.name}.json"), words)
    return write_nifti(path.with_name(f"{path.name}.nii.gz"), image, world=_MNI)

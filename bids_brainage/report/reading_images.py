"""Images and tables that preprocessing of raw images left on disk; read only when drawn."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy.ndimage import map_coordinates

from bids_brainage.bids import outputs
from bids_brainage.errors import InputError
from bids_brainage.preprocessing.images import READ_ERRORS, image_data, open_nifti
from bids_brainage.records.session import SessionKey

STANDARD = "space-MNI152NLin6Asym"
_SLAB = 50
_HINT = "run the participant level again with --force"
_ANATOMY = {
    "t1w": "desc-preproc_T1w",
    "mask": "desc-brain_mask",
    "tissues": "dseg",
    "regions": "desc-regions_dseg",
    "standard_t1w": f"{STANDARD}_res-2_desc-preproc_T1w",
    "standard_tissues": f"{STANDARD}_res-2_dseg",
    "transform": "from-T1w_to-MNI152NLin6Asym_mode-image_xfm",
}
_RUN = {
    "reference": "space-T1w_boldref",
    "confounds": "desc-confounds_timeseries",
    "bold": f"{STANDARD}_desc-preproc_bold",
    "mask": f"{STANDARD}_desc-brain_mask",
    "transform": "from-boldref_to-T1w_mode-image_xfm",
}


@dataclass(frozen=True)
class Volume:
    """A 3D image in memory.

    Parameters
    ----------
    data
        Values; any number type.
    affine
        Voxel to RAS world, mm.
    """

    data: np.ndarray
    affine: np.ndarray

    def sample(self, points: np.ndarray) -> np.ndarray:
        """Values at points (… x 3, RAS world, mm), linear between voxels, 0 outside."""
        voxels = apply_affine(np.linalg.inv(self.affine), points)
        return map_coordinates(
            self.data, np.moveaxis(voxels, -1, 0), output=np.float32, order=1, prefilter=False
        )

    def equals(self, *values: int) -> "Volume":
        """Mask of the voxels that hold one of the values."""
        return Volume(np.isin(self.data, values).astype(np.uint8), self.affine)

    @property
    def points(self) -> np.ndarray:
        """World places (points x 3, mm) of the voxels above zero."""
        return apply_affine(self.affine, np.argwhere(self.data > 0))


@dataclass(frozen=True)
class Files:
    """Derivatives of one image.

    Parameters
    ----------
    label
        Entities that tell runs of a session apart; empty for the T1w.
    paths
        What a file is, to its path; only files that are there.
    sidecars
        The same, to the content of the JSON beside it.
    """

    label: str
    paths: dict[str, Path] = field(default_factory=dict)
    sidecars: dict[str, dict[str, Any]] = field(default_factory=dict)

    def volume(self, what: str) -> Volume | None:
        """Read an image; None if it is not there.

        Raises
        ------
        InputError
            If it is no 3D image, or cut off.
        """
        return load_volume(self.paths[what]) if what in self.paths else None

    def columns(self, what: str = "confounds") -> dict[str, np.ndarray]:
        """Read a table as one array per column; NaN where a cell holds no number.

        Raises
        ------
        InputError
            If it is absent or damaged.
        """
        rows = outputs.read_tsv(self.paths[what])
        names = list(rows[0]) if rows else []
        return {name: np.array([_number(row.get(name)) for row in rows]) for name in names}


def find_anatomy(output_dir: Path, key: SessionKey) -> Files | None:
    """Find what the anatomical path wrote for a session; None if nothing."""
    folder = output_dir / key.folder / "anat"
    found = _collect(folder, key.stem, "", _ANATOMY)
    return found if {"t1w", "standard_t1w"} & set(found.paths) else None


def find_runs(output_dir: Path, key: SessionKey) -> tuple[Files, ...]:
    """Find what the functional path wrote for each run of a session, in the order of names."""
    folder = output_dir / key.folder / "func"
    labels = {
        path.name.split(".")[0].removeprefix(f"{key.stem}_").removesuffix(f"_{suffix}")
        for suffix in (_RUN["reference"], _RUN["confounds"])
        for path in folder.glob(f"{key.stem}_*_{suffix}.*")
    }
    return tuple(_collect(folder, key.stem, label, _RUN) for label in sorted(labels))


def load_volume(path: Path) -> Volume:
    """Read a 3D image with its axes along those of the world (RAS+).

    Raises
    ------
    InputError
        If it is no 3D image, or cut off.
    """
    image = open_nifti(path, "image", _HINT)
    data = image_data(image, path, "image", _HINT)
    if data.ndim != 3:
        raise InputError(f"not a 3D image: shape {data.shape}", place=path, hint=_HINT)
    straight = nib.as_closest_canonical(nib.Nifti1Image(data, image.affine, dtype=data.dtype))
    return Volume(np.asarray(straight.dataobj), straight.affine)


def load_series(path: Path, voxels: np.ndarray) -> np.ndarray:
    """Read the time series of some voxels, a part of the run in memory at a time.

    Parameters
    ----------
    voxels
        Indices, voxels x 3, on the stored grid.

    Returns
    -------
        Voxels x volumes.

    Raises
    ------
    InputError
        If it is no 4D image, or cut off.
    """
    image = open_nifti(path, "image", _HINT)
    if len(image.shape) != 4:
        raise InputError(f"not a 4D image: shape {image.shape}", place=path, hint=_HINT)
    chosen = tuple(voxels.T)
    parts = []
    try:
        for start in range(0, image.shape[3], _SLAB):
            parts.append(np.asarray(image.dataobj[..., start : start + _SLAB])[chosen])
    except READ_ERRORS as error:
        raise InputError(f"the image is cut off: {error}", place=path, hint=_HINT) from error
    return np.concatenate(parts, axis=1)


def _collect(folder: Path, stem: str, label: str, names: dict[str, str]) -> Files:
    files = Files(label)
    base = f"{stem}_{label}" if label else stem
    for what, name in names.items():
        for extension in (".nii.gz", ".tsv", ".txt"):
            path = folder / f"{base}_{name}{extension}"
            if path.is_file():
                files.paths[what] = path
                files.sidecars[what] = _sidecar(path.with_name(f"{base}_{name}.json"))
                break
    return files


def _sidecar(path: Path) -> dict[str, Any]:
    """Content of a sidecar; empty where it is absent or damaged: no figure needs it."""
    if not path.is_file():
        return {}
    try:
        content = outputs.read_json(path)
    except InputError:
        return {}
    return content if isinstance(content, dict) else {}


def _number(cell: str | None) -> float:
    try:
        return float(cell or "nan")
    except ValueError:
        return float("nan")

"""Brains in the system's own form: one array, with labels beside it."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError, MissingInputError, OutputError
from bids_brainage.preprocessing.brain_image import scale
from bids_brainage.training.array_files import BROKEN, read_array
from bids_brainage.training.autoencoder.labels import (
    ordered_bins,
    read_age_labels,
    read_sex_labels,
)
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.images.volumes import KEY, VOLUMES

logger = logging.getLogger(__name__)
TENSORS = "tensors.npy"
AGES = ("age.npy", "age.csv")
SEXES = ("sex.npy", "sex.csv")
SUFFIX = ".tensors"
FAINT = 0.01  # of the brightest voxels: what interpolation leaves in the background
BRIGHT = 99.5  # percentile
FILLED = 0.9
YOUNGEST = 10.0  # years, above all codes of bins


def read_tensors(folder: Path, kept: Path, shape: Sequence[int], scaling: str) -> np.ndarray:
    """Scale the brains of ``tensors.npy`` and keep them; those kept from an earlier run are used.

    Intensities may have any scale; each volume is normalised by itself. The array is not read as a
    whole.

    Parameters
    ----------
    kept
        Folder where they are kept.
    shape
        Voxels that each volume must have.
    scaling
        See `bids_brainage.preprocessing.brain_image.scale`.

    Returns
    -------
        Half precision, (n, x, y, z), mapped from the disk.

    Raises
    ------
    InputError
        If it is no such array; every volume that is no brain is named.
    OutputError
        If the brains cannot be kept.
    """
    path = folder / TENSORS
    try:
        volumes = np.load(path, mmap_mode="r", allow_pickle=False)
    except BROKEN as error:
        raise InputError(f"cannot read the array: {error}", place=path) from error
    if volumes.dtype.kind not in "fiu" or volumes.ndim != 4 or volumes.shape[1:] != tuple(shape):
        raise InputError(f"an array of {volumes.dtype} and shape {volumes.shape}", place=path,
                         hint=f"it must be of numbers, people x {shape}")  # fmt: skip
    key = fingerprint(str(path.resolve()), path.stat().st_mtime_ns, scaling, volumes.shape)
    made, stamp = kept / VOLUMES, (kept / KEY).with_suffix(SUFFIX + ".json")
    try:
        if json.loads(stamp.read_text(encoding="utf-8")) == key and made.is_file():
            return np.load(made, mmap_mode="r")
    except (OSError, ValueError):
        pass
    try:
        kept.mkdir(parents=True, exist_ok=True)
        # What follows may be killed halfway.
        for old in (stamp, kept / KEY):
            old.unlink(missing_ok=True)
        target = np.lib.format.open_memmap(made, "w+", np.float16, volumes.shape)
        broken = []
        for number, volume in enumerate(volumes):
            try:
                target[number] = _scaled(np.asarray(volume, np.float32), scaling)
            except ValueError as error:
                broken.append(f"volume {number}: {error}")
        target.flush()
        if broken:
            raise InputError(f"{len(broken)} volumes are unusable: {'; '.join(broken[:50])}",
                             place=path, hint="leave them out or mend them")  # fmt: skip
        stamp.write_text(json.dumps(key), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot keep the images: {error.strerror}", place=kept) from error
    return np.load(made, mmap_mode="r")


def read_labels(
    folder: Path, n: int, bins: Sequence[str], age_codes: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages in years, bins of age as texts and sexes (1 female, 0 male) of a folder; each (n,).

    Ages are NaN where only bins are told, texts empty where only years are; sexes are NaN without
    a file of them.

    Raises
    ------
    MissingInputError, InputError, UsageError
        If there are no ages, or labels cannot be read or are not as many as the volumes.
    """
    path = _first(folder, AGES)
    if path is None:
        raise MissingInputError(f"no {' or '.join(AGES)}", place=folder)
    age = np.full(n, np.nan)
    texts = np.full(n, "", dtype=object)
    years = _years(path)
    if years is not None:
        age = _as_many(years, n, path)
    else:
        codes = _as_many(read_age_labels(path, bins, age_codes), n, path)
        names = ordered_bins(bins)
        texts[:] = [names[code] if code >= 0 else "" for code in codes]
    sexes = _first(folder, SEXES)
    female = np.full(n, np.nan) if sexes is None else _as_many(read_sex_labels(sexes), n, sexes)
    return age, texts, female


def _years(path: Path) -> np.ndarray | None:
    """Ages in years, if an array holds such; else it holds bins."""
    try:
        values = read_array(path).reshape(-1).astype(float)
    except InputError:
        return None
    known = values[np.isfinite(values)]
    return values if len(known) and known.min() >= YOUNGEST else None


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _as_many(values: np.ndarray, n: int, path: Path) -> np.ndarray:
    if len(values) != n:
        raise InputError(f"{len(values)} labels for {n} volumes", place=path)
    return values


def _scaled(volume: np.ndarray, scaling: str) -> np.ndarray:
    if not np.isfinite(volume).all():
        raise ValueError("values that are not finite")
    bright = float(np.percentile(volume, BRIGHT))
    if not bright > 0:
        raise ValueError("no voxel is above zero" if volume.max() <= 0 else "nearly all is zero")
    volume = np.where(volume > FAINT * bright, volume, 0.0)
    if (volume != 0).mean() > FILLED:
        raise ValueError("it is not zero outside the brain")
    return scale(volume, scaling)

"""Images of the people on one grid, kept on disk in half precision."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError, OutputError
from bids_brainage.models import sfcn_weights
from bids_brainage.preprocessing.brain_image import grid_shape, load_brain
from bids_brainage.preprocessing.mean_brain import load_mean_brain
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.images.people import Person

logger = logging.getLogger(__name__)
VOLUMES, KEY = "volumes.npy", "volumes.json"


def load_volumes(
    people: Sequence[Person],
    zooms: float,
    scaling: str,
    folder: Path,
    shape: Sequence[int] | None = None,
) -> np.ndarray:
    """Read, scale and keep the images of all people; those kept from an earlier run are used.

    Parameters
    ----------
    zooms, scaling, shape
        See `bids_brainage.preprocessing.brain_image.load_brain`.
    folder
        Where they are kept.

    Returns
    -------
        Half precision, (people, x, y, z), mapped from the disk.

    Raises
    ------
    InputError
        Names every image that cannot be used.
    OutputError
        If the folder cannot be written.
    """
    stamps = [
        [[str(path), path.stat().st_mtime_ns] for path in (p.image, p.mask) if path] for p in people
    ]
    grid = tuple(shape or grid_shape(zooms))
    key = fingerprint(stamps, zooms, scaling, grid)
    path = folder / VOLUMES
    try:
        if json.loads((folder / KEY).read_text(encoding="utf-8")) == key and path.is_file():
            return np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        pass
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What follows may be killed halfway.
        (folder / KEY).unlink(missing_ok=True)
        kept = np.lib.format.open_memmap(path, "w+", np.float16, (len(people), *grid))
        broken = []
        for number, person in enumerate(people):
            try:
                kept[number] = _read(person, zooms, scaling, grid)
            except InputError as error:
                broken.append(str(error))
        kept.flush()
        if broken:
            raise InputError(f"{len(broken)} images are unusable: {'; '.join(broken)}",
                             place=folder, hint="leave them out or mend them")  # fmt: skip
        (folder / KEY).write_text(json.dumps(key), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot keep the images: {error.strerror}", place=folder) from error
    logger.info("%d images on a grid of %s", len(people), "x".join(map(str, grid)))
    return np.load(path, mmap_mode="r")


def _read(person: Person, zooms: float, scaling: str, grid: tuple[int, ...]) -> np.ndarray:
    if scaling == sfcn_weights.SCALING:
        return load_mean_brain(person.image, person.mask)
    return load_brain(person.image, person.mask, zooms, scaling, grid)

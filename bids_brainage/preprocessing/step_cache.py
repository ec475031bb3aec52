"""Keep the results of slow steps in the work folder, so that a rerun goes on where it stopped."""

import contextlib
import hashlib
import json
import logging
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.errors import OutputError
from bids_brainage.preprocessing.images import READ_ERRORS

logger = logging.getLogger(__name__)
Value = Any
Values = dict[str, Value]
_DONE = "done.json"
_DRAFT = re.compile(r".+-[0-9a-f]{16}\.[0-9a-f]{8}")
_LEFTOVER_AGE = 3600.0  # seconds; no result takes this long to write


class StepCache:
    """Results of the steps of one session or run, one folder per step and key.

    A step gives a dictionary of NIfTI images, arrays and plain JSON values; the same dictionary
    comes back from disk if the step ran before with the same key, also in another process.

    Parameters
    ----------
    folder
        Where results are kept; None keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        if folder is not None:
            _remove_leftovers(folder)

    def step(self, name: str, key: Mapping[str, object], compute: Callable[[], Values]) -> Values:
        """Return the step's result, computed now or before.

        Parameters
        ----------
        name
            Name of the step, part of the folder name.
        key
            All that the result depends on, plain JSON: settings, versions, and for files their
            `fingerprint`. A later step names the keys of the steps it builds on.
        compute
            Makes the result.

        Raises
        ------
        OutputError
            If the work folder cannot be written.
        """
        if self.folder is None:
            return compute()
        place = self.folder / f"{name}-{digest(key)}"
        if (place / _DONE).is_file():
            try:
                found = _read(place)
            except (*READ_ERRORS, KeyError, TypeError, UnicodeDecodeError):
                logger.warning("step %s: the result kept in %s cannot be read", name, place)
                shutil.rmtree(place, ignore_errors=True)
            else:
                logger.info("step %s: reused from %s", name, place)
                return found
        values = compute()
        try:
            _write(place, values)
        except FileNotFoundError:
            logger.warning("step %s: %s was removed meanwhile; the result is not kept", name, place)
        except OSError as error:
            raise OutputError(
                f"cannot write the work folder: {error}", place=place, hint="see --work-dir"
            ) from error
        return values


def fingerprint(path: Path) -> str:
    """Return size and time of change of a file, enough to see that it was replaced."""
    state = path.stat()
    return f"{path.resolve()}:{state.st_size}:{state.st_mtime_ns}"


def digest(key: Mapping[str, object]) -> str:
    """Return a short hash of a step's key."""
    text = json.dumps(key, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(place: Path, values: Values) -> None:
    """Write into a folder of another name first: a killed step leaves no half result.

    Sessions that share an image may finish the same step at once; the first one stays.
    """
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    try:
        draft.mkdir(parents=True)
        _fill(draft, values)
        if (place / _DONE).is_file():
            return
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
    except OSError:
        if not (place / _DONE).is_file():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove drafts of processes that were killed while they wrote them."""
    oldest = time.time() - _LEFTOVER_AGE
    with contextlib.suppress(OSError):
        for place in folder.iterdir():
            if _DRAFT.fullmatch(place.name) and place.stat().st_mtime < oldest:
                shutil.rmtree(place, ignore_errors=True)


def _fill(draft: Path, values: Values) -> None:
    index: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, nib.Nifti1Image):
            nib.save(value, draft / f"{name}.nii")
            index[name] = {"image": f"{name}.nii"}
        elif isinstance(value, np.ndarray):
            np.save(draft / f"{name}.npy", value, allow_pickle=False)
            index[name] = {"array": f"{name}.npy"}
        else:
            index[name] = {"value": value}
    (draft / _DONE).write_text(json.dumps(index), encoding="utf-8")


def _read(place: Path) -> Values:
    index = json.loads((place / _DONE).read_text(encoding="utf-8"))
    return {name: _value(place, entry) for name, entry in index.items()}


def _value(place: Path, entry: Mapping[str, Any]) -> Value:
    if "image" in entry:
        image = nib.Nifti1Image.from_filename(place / entry["image"])
        # Read at once: the file may be replaced while the result is in use.
        return nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header)
    if "array" in entry:
        return np.load(place / entry["array"], allow_pickle=False)
    return entry["value"]

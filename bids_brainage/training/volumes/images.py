"""Volumes of all raw T1w images of BIDS datasets, as the participant level measures them."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.bids.dataset import Dataset, open_dataset
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.outputs import read_tsv, write_tsv
from bids_brainage.bids.selection import sessions_of
from bids_brainage.errors import BrainAgeError, InputError
from bids_brainage.features.tissue_volumes import tissue_volumes, volume_names
from bids_brainage.preprocessing.anatomical.bias import divide_bias, estimate_bias
from bids_brainage.preprocessing.anatomical.load import read_t1w
from bids_brainage.preprocessing.images import open_nifti
from bids_brainage.records.segmentation import Segmentation
from bids_brainage.records.session import SessionKey
from bids_brainage.training.tables import FEMALE
from bids_brainage.training.volumes.table import IMAGES, VolumeTable, make_table

logger = logging.getLogger(__name__)
Segmenter = Callable[[nib.Nifti1Image], Segmentation]
COARSEST_MM = 3.1
PEOPLE = ("participant_id", "age", "female", "file")


def find_datasets(folder: Path) -> list[Path]:
    """List BIDS datasets: the folder itself, or those in it or in its ``bids``."""
    if any(folder.glob("sub-*")):
        return [folder]
    homes = [home for home in (folder / "bids", folder) if home.is_dir()]
    return [path for home in homes for path in sorted(home.iterdir()) if any(path.glob("sub-*"))]


def measure_dataset(
    root: Path, segmenter: Segmenter, store: Path | None = None, threads: int = 1
) -> VolumeTable | None:
    """Measure the first T1w of every session whose age is known.

    Parameters
    ----------
    root
        A BIDS dataset.
    segmenter
        Cuts a head into tissues and regions.
    store
        Table that keeps the measures, person by person; those of the same file are taken from
        there.
    threads
        CPUs for the bias correction.

    Returns
    -------
    VolumeTable | None
        None if nobody has an age and a T1w that can be measured.
    """
    known = _read_store(store)
    rows = []
    for key, path, age, female in _people(open_dataset(root)):
        mark = _mark(path)
        volumes = known.get((key.stem, mark))
        if volumes is None:
            try:
                volumes = measure_t1w(path, segmenter, threads)
            except BrainAgeError as error:
                logger.warning("%s left out: %s", path.name, error)
                continue
            logger.info("%s measured", path.name)
        rows.append(
            {"participant_id": key.stem, "age": age, "female": female, "file": mark,
             "volumes": volumes}
        )  # fmt: skip
        if store is not None:
            _write_store(store, rows)
    return make_table(rows, root.resolve().name, IMAGES) if rows else None


def measure_t1w(path: Path, segmenter: Segmenter, threads: int = 1) -> dict[str, float]:
    """Measure one T1w as the participant level does: segment, correct the bias, segment again.

    Raises
    ------
    InputError
        If the image cannot be used.
    """
    image = read_t1w(path).image
    field = estimate_bias(image, segmenter(image), path, threads)
    return tissue_volumes(segmenter(divide_bias(image, field)))


def measure_left_out(
    root: Path, cutters: Mapping[str, Segmenter], threads: int = 1
) -> dict[str, dict[str, float]]:
    """Measure people of a dataset each by a segmentation of their own.

    Parameters
    ----------
    cutters
        ``sub-<label>`` to a segmentation that was not trained on that person.

    Returns
    -------
    dict[str, dict[str, float]]
        Participant (and session) to measure name to mm3.
    """
    return {
        key.stem: measure_t1w(path, cutters[key.participant_id], threads)
        for key, path, _, _ in _people(open_dataset(root))
        if key.participant_id in cutters
    }


def _people(dataset: Dataset) -> Iterator[tuple[SessionKey, Path, float, float]]:
    for participant in dataset.participants:
        for session in sessions_of(dataset, participant):
            key = SessionKey(participant, session)
            inputs = find_inputs(dataset, key)
            age = inputs.demographics.age
            chosen = inputs.t1w.path if inputs.t1w and not inputs.t1w_borrowed else None
            path = chosen or next(iter(inputs.raw_t1w), None)
            if age is None or path is None or not _fine_enough(path):
                continue
            yield key, path, age, FEMALE.get(inputs.demographics.sex or "", math.nan)


def _mark(path: Path) -> str:
    state = path.stat()
    return f"{path.name}:{state.st_size}:{state.st_mtime_ns}"


def _fine_enough(path: Path) -> bool:
    try:
        affine = open_nifti(path, "T1w image", "").affine
    except InputError:
        return True  # what is wrong with it is said when it is measured
    coarsest = float(np.linalg.norm(affine[:3, :3], axis=0).max())
    if coarsest > COARSEST_MM:
        logger.warning("%s left out: voxels of %.1f mm", path.name, coarsest)
    return coarsest <= COARSEST_MM


def _read_store(store: Path | None) -> dict[tuple[str, str], dict[str, float]]:
    if store is None or not store.is_file():
        return {}
    return {
        (row["participant_id"], row["file"]): {
            name: float(row[name].replace("n/a", "nan")) for name in volume_names()
        }
        for row in read_tsv(store)
    }


def _write_store(store: Path, rows: list[dict[str, object]]) -> None:
    flat = [{k: row[k] for k in PEOPLE} | dict(row["volumes"]) for row in rows]  # type: ignore[call-overload]
    write_tsv(store, flat, (*PEOPLE, *volume_names()))

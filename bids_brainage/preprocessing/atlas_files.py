"""Atlases of the user: a NIfTI file with a label table beside it, or a TemplateFlow name."""

import csv
import io
import os
import re
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.bids.text import read_text
from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.preprocessing.images import image_data, open_nifti
from bids_brainage.preprocessing.parcellation import Atlas, maximum_probability

THRESHOLD = 0.25
_NAME_COLUMNS = ("name", "label", "region", "roi", "structure")
_INDEX_COLUMNS = ("index", "value", "id", "label", "intensity")


def find_templateflow(name: str, space: str, home: Path | None) -> Path:
    """Find an atlas in a TemplateFlow folder; nothing is ever fetched.

    Parameters
    ----------
    name
        ``Schaefer2018_desc-100Parcels7Networks``, or a whole ``tpl-…_dseg`` file name.
    space
        Template of the BOLD, preferred over others.
    home
        TemplateFlow folder; by default ``TEMPLATEFLOW_HOME`` or ``~/.cache/templateflow``.

    Raises
    ------
    MissingInputError
        If no file of that name is there, or only empty placeholders are.
    """
    # Path.home() raises where HOME is unset and the user id has no entry, as in containers.
    own = os.path.expanduser("~/.cache/templateflow")  # noqa: PTH111
    folder = home or Path(os.environ.get("TEMPLATEFLOW_HOME") or own)
    wanted = _entities(name if name.startswith("tpl-") else f"atlas-{name.removeprefix('atlas-')}")
    matches = [
        path
        for path in sorted(folder.glob("tpl-*/tpl-*_dseg.nii.gz"))
        if wanted.items() <= _entities(path.name).items()
    ]
    if not matches:
        raise MissingInputError(
            f"atlas '{name}' is not in the TemplateFlow folder",
            place=folder,
            hint="give the path of a NIfTI file, or set TEMPLATEFLOW_HOME to a folder that has it",
        )
    filled = [path for path in matches if path.stat().st_size > 0]
    if not filled:
        raise MissingInputError(
            f"the TemplateFlow file of atlas '{name}' is an empty placeholder",
            place=matches[0],
            hint="fetch it once with network access (templateflow.api.get), then run again",
        )
    return min(filled, key=lambda path: _preference(_entities(path.name), space))


def read_atlas_file(path: Path) -> Atlas:
    """Read an atlas of labels (3D) or of probability maps (4D).

    Parameters
    ----------
    path
        NIfTI file; a TSV or CSV of the same name beside it names the regions.

    Raises
    ------
    MissingInputError
        If the file does not exist or is an empty placeholder.
    InputError
        If it is not an atlas, or table and image do not agree.
    """
    if not path.is_file():
        raise MissingInputError("the atlas does not exist", place=path, hint="check --atlas")
    if path.stat().st_size == 0:
        raise MissingInputError(
            "the atlas file is empty", place=path, hint="fetch its content, then run again"
        )
    hint = "give a complete NIfTI file"
    image = open_nifti(path, "atlas", hint)
    data = np.nan_to_num(image_data(image, path, "atlas", hint))
    details: dict[str, object] = {}
    if data.ndim == 4:
        data = _from_probabilities(data, path)
        details = {"Method": "maximum probability of 4D maps", "ThresholdPercent": 100 * THRESHOLD}
    whole = data.dtype.kind in "biu"
    labels = (data if whole else np.rint(data)).astype(np.int32)
    same = np.array_equal(labels, data) if whole else np.allclose(labels, data, atol=1e-3)
    if data.ndim != 3 or not same or labels.max() <= 0:
        raise InputError(
            f"not an atlas: shape {data.shape}, values {data.min():g} to {data.max():g}",
            place=path,
            hint="an atlas is a 3D image of whole-number labels or a 4D image of probabilities",
        )
    present = [int(value) for value in np.unique(labels[labels > 0])]
    table = _label_table(path)
    names = _read_names(table, present) if table else {}
    if table:
        details["LabelTable"] = table.name
    plain = [names.get(value) or f"region{value:04d}" for value in present]
    # Many tables give both hemispheres one name; the label number tells them apart.
    regions = tuple(
        f"{name}_{value}" if plain.count(name) > 1 else name
        for name, value in zip(plain, present, strict=True)
    )
    entities = _entities(path.name)
    name = entities.get("atlas") or entities.get("seg") or path.name.split(".")[0]
    name += entities.get("desc", "") if "atlas" in entities else ""
    return Atlas(
        name=re.sub(r"[^A-Za-z0-9]", "", name) or "custom",
        labels=nib.Nifti1Image(np.maximum(labels, 0), image.affine),
        regions=regions,
        values=tuple(present),
        space=entities.get("tpl") or entities.get("space") or "unknown",
        source=path.name,
        details=details,
    )


def _from_probabilities(data: np.ndarray, path: Path) -> np.ndarray:
    highest = float(data.max())
    if not 0 < highest <= 100 or data.min() < 0:
        raise InputError(
            f"not probabilities: {data.min():g} to {highest:g}",
            place=path,
            hint="4D maps hold probabilities from 0 to 1 or from 0 to 100",
        )
    threshold = THRESHOLD * (1 if highest <= 1 else 100)
    winner, _ = maximum_probability(np.moveaxis(data, -1, 0), threshold)
    return winner + 1


def _entities(name: str) -> dict[str, str]:
    stem = name.split(".")[0]
    parts = (part.split("-", 1) for part in stem.split("_") if "-" in part)
    return {key: value for key, value in parts}


def _preference(entities: dict[str, str], space: str) -> tuple[bool, bool, str]:
    """Same template first, then 2 mm (close to BOLD), then by name."""
    return entities.get("tpl") != space, entities.get("res") != "02", str(sorted(entities.items()))


def _label_table(path: Path) -> Path | None:
    """Table of the same name, with or without the ``res`` entity, as TemplateFlow has them."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    for name in (stem, re.sub(r"_res-[^_]+", "", stem)):
        for extension in (".tsv", ".csv"):
            table = path.with_name(name + extension)
            if table.is_file() and table.stat().st_size > 0:
                return table
    return None


def _read_names(table: Path, present: list[int]) -> dict[int, str]:
    delimiter = "\t" if table.suffix == ".tsv" else ","
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(table), newline=""), delimiter=delimiter))
    except (OSError, csv.Error) as error:
        raise InputError(f"the label table cannot be read: {error}", place=table,
                         hint="name the columns 'index' and 'name'") from error  # fmt: skip
    columns = {str(column).strip().lower(): column for column in (rows[0] if rows else {})}
    name_column = next((columns[c] for c in _NAME_COLUMNS if c in columns), None)
    index_column = next(
        (columns[c] for c in _INDEX_COLUMNS if c in columns and columns[c] != name_column), None
    )
    if name_column is None:
        raise InputError(
            f"no column of region names among {', '.join(columns) or 'none'}",
            place=table,
            hint="name the columns 'index' and 'name'",
        )
    names: dict[int, str] = {}
    for position, row in enumerate(rows):
        try:
            value = int(float(row[index_column])) if index_column else present[position]
            name = row[name_column].split()
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError) as error:
            raise InputError(
                f"row {position + 2} does not name a label of the image",
                place=table,
                hint="name the columns 'index' and 'name'",
            ) from error
        names[value] = "_".join(name)
    absent = [value for value in present if value not in names]
    if absent:
        raise InputError(
            f"labels {absent[:5]} of the image are not in the table",
            place=table,
            hint="give the table that belongs to this image",
        )
    return names

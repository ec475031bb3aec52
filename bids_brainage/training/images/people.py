"""People to train on: a folder of images with a table, or an OUTPUT_DIR of the App."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.outputs import extraction_log
from bids_brainage.bids.scan import list_participants, list_sessions
from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.features.tissue_volumes import TOTAL, volume_names
from bids_brainage.features.vectors import volumes_vector
from bids_brainage.records.session import SessionKey

IMAGES = (".nii.gz", ".nii")
SEX_CODES = {"0": "F", "1": "M"}
WORDS = {"f": "F", "female": "F", "m": "M", "male": "M"}
SHOWN = 50
OLDEST = 120.0


@dataclass(frozen=True)
class Person:
    """One image of a person.

    Parameters
    ----------
    label
        Whom it shows; images of one person stay in one fold.
    image, mask
        T1w in template space, and its brain mask if the image is not zero outside.
    age
        Years.
    sex
        ``F``, ``M`` or None.
    volumes
        Table of volumes of the same session, if the participant level wrote one.
    """

    label: str
    image: Path
    age: float
    sex: str | None = None
    mask: Path | None = None
    volumes: Path | None = None


def load_people(
    source: Path, table: Path | None = None, sex_codes: dict[str, str] | None = None
) -> list[Person]:
    """People of a folder and its table, or of an OUTPUT_DIR of the participant level.

    Parameters
    ----------
    table
        File name, age in years and sex of every image, as the system's own folders have it: xls,
        xlsx, csv or tsv, with a header or without. None for an OUTPUT_DIR.
    sex_codes
        What codes of the table mean; 0 is female by default, as in that system.

    Raises
    ------
    MissingInputError, InputError
        If nothing is there; with a table, every bad row is named.
    """
    if not source.is_dir():
        raise MissingInputError("no such folder", place=source)
    if table is not None:
        return _from_table(source, read_table(table), table, sex_codes or SEX_CODES)
    people = list(_from_output(source))
    if not people:
        raise InputError(
            "no T1w in template space with an age",
            place=source,
            hint="give an OUTPUT_DIR of bids_brainage participant on raw T1w, or --table",
        )
    return people


def read_table(path: Path) -> pd.DataFrame:
    """Read file name, age and sex as text; a first row without an age is a header.

    Raises
    ------
    MissingInputError, InputError
        If it cannot be read or has fewer than two columns.
    """
    if not path.is_file():
        raise MissingInputError("no such table", place=path)
    try:
        if path.suffix.lower() in (".xls", ".xlsx"):
            frame = pd.read_excel(path, header=None, dtype=str)
        else:
            separator = "\t" if path.suffix.lower() == ".tsv" else ","
            frame = pd.read_csv(path, sep=separator, header=None, dtype=str, encoding="utf-8-sig")
    except ImportError as error:
        raise InputError(f"cannot read the table: {error}", place=path,
                         hint="save it as csv or tsv") from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
    if frame.shape[1] < 2:
        raise InputError("the table has one column", place=path,
                         hint="it needs file name, age and sex")  # fmt: skip
    frame = frame.iloc[:, :3].set_axis(["name", "age", "sex"][: min(frame.shape[1], 3)], axis=1)
    frame = frame.reindex(columns=["name", "age", "sex"]).fillna("")
    frame = frame.apply(lambda column: column.str.strip())
    frame = frame[(frame != "").any(axis=1)]
    header = pd.isna(pd.to_numeric(frame["age"].iloc[:1], errors="coerce")).all()
    return frame.iloc[1:] if header else frame


def measured_volumes(people: Sequence[Person]) -> np.ndarray:
    """Logarithms of the volumes of tissues and regions relative to the head; (people, volumes).

    Raises
    ------
    InputError
        If somebody's are not known.
    """
    names = volume_names()
    head = names.index(TOTAL)
    rows = []
    for person in people:
        if person.volumes is None:
            raise InputError("no volumes of tissues and regions", place=person.image,
                             hint="give OUTPUT_DIRs of the participant level")  # fmt: skip
        # A structure without a voxel counts as one of 1 mm3.
        vector = np.fmax(volumes_vector(person.volumes, names), 1.0)
        rows.append(np.log(np.delete(vector, head) / vector[head]))
    return np.array(rows)


def _from_table(
    folder: Path, frame: pd.DataFrame, table: Path, codes: dict[str, str]
) -> list[Person]:
    files = {path.name: path for path in sorted(folder.iterdir()) if path.name.endswith(IMAGES)}
    people: list[Person] = []
    bad: list[str] = []
    seen: set[str] = set()
    for number, row in frame.iterrows():
        name, age = row["name"], pd.to_numeric(row["age"], errors="coerce")
        path = next((files[n] for n in _spellings(name) if n in files), None)
        image = path.name if path else name
        sex = codes.get(row["sex"].removesuffix(".0")) or WORDS.get(row["sex"].lower())
        place = f"row {int(str(number)) + 1} ({name})"
        if not 0 < age < OLDEST:
            bad.append(f"{place}: age {row['age']!r}")
        elif row["sex"] not in ("", "n/a") and sex is None:
            bad.append(f"{place}: sex {row['sex']!r}")
        elif image in seen:
            bad.append(f"{place}: twice")
        elif path is not None:
            people.append(Person(_label(path), path, float(age), sex))
        seen.add(image)
    bad += [f"{name}: no row" for name in files if name not in seen]
    if bad:
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise InputError(f"{len(bad)} rows or files are unusable: {'; '.join(bad[:SHOWN])}{more}",
                         place=table, hint="mend the table")  # fmt: skip
    if not people:
        raise InputError("no row of the table names an image of the folder", place=folder,
                         hint="names must be equal, with or without .nii.gz")  # fmt: skip
    return people


def _label(path: Path) -> str:
    """Whom a file shows: all names of BIDS of one participant, else the name without its ending."""
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    return name.partition("_")[0] if name.startswith("sub-") else name


def _spellings(name: str) -> Iterable[str]:
    return (name, *(f"{name}{ending}" for ending in IMAGES))


def _from_output(output: Path) -> Iterable[Person]:
    for participant in list_participants(output):
        for session in list_sessions(output, participant) or [""]:
            key = SessionKey(participant, session)
            try:
                log = read_extraction(extraction_log(output, key), key)
            except InputError:
                continue
            if log.age is not None and log.brain_image is not None:
                image, mask = (output / name for name in log.brain_image)
                label = f"{output.resolve().name}/sub-{participant}"
                name = log.derivatives.get("volumes")
                volumes = output / name if isinstance(name, str) else None
                yield Person(label, image, log.age, log.sex, mask, volumes)

"""Published volumes under the names of our regions: NiChart DLMUSE and FreeSurfer."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add
from pathlib import Path

import pandas as pd

from bids_brainage.errors import InputError
from bids_brainage.features.tissue_volumes import TOTAL
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.records.segmentation import TISSUES
from bids_brainage.training.tables import FEMALE
from bids_brainage.training.volumes.table import FREESURFER, MUSE, VolumeTable, make_table

MUSE_FILE = "ixi_muse.tsv.gz"
FREESURFER_FILE = "morphometry.tsv.gz"
# What the published tables call the codes that they give only in sums.
MUSE_SUMS = {1: "MUSE_600"}
ADULT = 18.0
SIDED = {
    "Accumbens": ("Accumbens-area",),
    "Amygdala": ("Amygdala",),
    "Caudate": ("Caudate",),
    "Hippocampus": ("Hippocampus",),
    "Pallidum": ("Pallidum",),
    "Putamen": ("Putamen",),
    "Thalamus": ("Thalamus-Proper",),
    "VentralDC": ("VentralDC",),
    "CerebellumGM": ("Cerebellum-Cortex",),
    "CerebellumWM": ("Cerebellum-White-Matter",),
    "LateralVentricle": ("Lateral-Ventricle", "Inf-Lat-Vent"),
}
MIDDLE = {"BrainStem": "Brain-Stem", "ThirdVentricle": "3rd-Ventricle",
          "FourthVentricle": "4th-Ventricle"}  # fmt: skip
CEREBRAL = {"GM": "CortexVol", "WM": "CerebralWhiteMatterVol"}
HEAD = "EstimatedTotalIntraCranialVol"


def load_muse(folder: Path) -> VolumeTable:
    """Load ``ixi_muse.tsv.gz``, its codes summed to our regions and tissues.

    Raises
    ------
    InputError
        If the table cannot be read or is another one.
    """
    frame = _read(folder / MUSE_FILE)
    columns = {
        region.name: [
            column
            for code in region.muse_codes
            if (column := MUSE_SUMS.get(code, f"MUSE_{code}")) in frame
        ]
        for region in region_table()
    }
    absent = [name for name, found in columns.items() if not found]
    if absent:
        raise InputError(f"no column of {', '.join(absent[:3])}", place=folder / MUSE_FILE)
    regions = {name: frame[found].sum(axis=1, min_count=1) for name, found in columns.items()}
    tissues = {
        tissue: _total(regions[r.name] for r in region_table() if r.tissue == tissue)
        for tissue in TISSUES[1:]
    }
    return _table(frame, regions | tissues | {TOTAL: _total(tissues.values())}, "ixi_muse", MUSE)


def load_freesurfer(folder: Path) -> VolumeTable:
    """Load the volumes of adults in ``morphometry.tsv.gz``, named as our regions and tissues.

    Grey matter is cortex, cerebellar cortex and nuclei; white matter the rest of the brain; the
    head FreeSurfer's estimate, and CSF what is left of it.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    frame = _read(folder / FREESURFER_FILE)
    frame = frame[frame["age"] >= ADULT].reset_index(drop=True)
    regions = {
        f"{side}-{name}": _total(frame[f"{side}-{part}"] for part in parts)
        for name, parts in SIDED.items()
        for side in ("Left", "Right")
    } | {name: frame[column] for name, column in MIDDLE.items()}
    tissue_of = {region.name: region.tissue for region in region_table()}
    tissues = {
        tissue: frame[f"lh{cerebral}"] + frame[f"rh{cerebral}"]
        + _total(values for name, values in regions.items() if tissue_of[name] == tissue)
        for tissue, cerebral in CEREBRAL.items()
    }  # fmt: skip
    csf = frame[HEAD] - tissues["GM"] - tissues["WM"]
    totals = tissues | {"CSF": csf.where(csf > 0), TOTAL: frame[HEAD]}
    return _table(frame, regions | totals, "freesurfer", FREESURFER)


def _total(columns: Iterable[pd.Series]) -> pd.Series:
    return reduce(add, columns)


def _table(
    frame: pd.DataFrame, volumes: Mapping[str, pd.Series], dataset: str, method: str
) -> VolumeTable:
    measured = pd.DataFrame(dict(volumes)).to_dict("records")
    people = pd.DataFrame({
        "participant_id": frame["participant_id"],
        "dataset": frame.get("dataset", dataset),
        "site": frame["site"],
        "age": frame["age"],
        "female": frame["sex"].map(FEMALE),
    }).to_dict("records")  # fmt: skip
    rows = [a | {"volumes": b} for a, b in zip(people, measured, strict=True)]
    return make_table(rows, dataset, method)


def _read(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, sep="\t", na_values=["n/a"], dtype={"participant_id": str})
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
    missing = {"participant_id", "site", "age", "sex"} - set(frame)
    if missing:
        raise InputError(f"no column {', '.join(sorted(missing))}", place=path)
    return frame

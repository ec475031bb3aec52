"""A small synthetic BIDS dataset and a run of both levels on it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.app.demo_series import write_run
from bids_brainage.app.demo_stats import write_stats
from bids_brainage.app.run import run
from bids_brainage.bids.outputs import BIDS_VERSION, write_json, write_text, write_tsv
from bids_brainage.config import RunConfig
from bids_brainage.errors import OutputError
from bids_brainage.models.store import load_model
from bids_brainage.preprocessing.templates import brain_template

NOTICE = (
    "SYNTHETIC demo data of bids_brainage: made from nilearn's MNI152 template, the Harvard-Oxford "
    "atlas and random numbers. No person was scanned; ages and sexes are invented."
)


@dataclass(frozen=True)
class Person:
    """One invented participant and what the dataset holds of them."""

    label: str
    age: float
    sex: str
    bold: bool
    freesurfer: bool
    fmriprep: bool = True


PEOPLE = (
    Person("synthetic01", 24.0, "F", bold=True, freesurfer=True),
    Person("synthetic02", 21.5, "M", bold=False, freesurfer=True),
    Person("synthetic03", 18.0, "M", bold=True, freesurfer=False),
    Person("synthetic04", 31.0, "F", bold=True, freesurfer=False, fmriprep=False),
)


def run_demo(folder: Path, say: Callable[[str], object], nprocs: int = 2) -> int:
    """Write the dataset, run participant and group on it, and say where the report is.

    Parameters
    ----------
    folder
        New or earlier demo folder; gets ``bids`` and ``output``.

    Raises
    ------
    OutputError
        If the folder holds something else.
    """
    say(f"writing a synthetic BIDS dataset of {len(PEOPLE)} participants to {folder / 'bids'}")
    write_demo(folder / "bids")
    config = RunConfig(
        folder / "bids", folder / "output", levels=("participant", "group"), nprocs=nprocs
    )
    code = run(config, say)
    say(f"group report: {(folder / 'output' / 'group_brainage.html').resolve()}")
    say(f"a participant's: {(folder / 'output' / f'sub-{PEOPLE[0].label}.html').resolve()}")
    return code


def write_demo(bids_dir: Path) -> Path:
    """Write raw, fMRIPrep-like and FreeSurfer-like parts, labelled as synthetic.

    Raises
    ------
    OutputError
        If the folder exists and is not an earlier demo dataset.
    """
    notice = bids_dir / "README"
    if bids_dir.exists() and not (notice.is_file() and notice.read_text() == NOTICE + "\n"):
        raise OutputError(
            "the folder holds something else", place=bids_dir, hint="name a new folder"
        )
    prep = bids_dir / "derivatives" / "fmriprep"
    _describe(bids_dir, "raw")
    _describe(prep, "derivative")
    write_tsv(
        bids_dir / "participants.tsv",
        [{"participant_id": f"sub-{p.label}", "age": p.age, "sex": p.sex} for p in PEOPLE],
        ("participant_id", "age", "sex"),
    )
    write_json(
        bids_dir / "participants.json",
        {
            "age": {"Description": "Invented age", "Units": "year"},
            "sex": {"Description": "Invented sex", "Levels": {"F": "female", "M": "male"}},
        },
    )
    for seed, person in enumerate(PEOPLE):
        rng = np.random.default_rng(seed)
        subject = f"sub-{person.label}"
        _write_t1w(bids_dir / subject / "anat" / f"{subject}_T1w", rng)
        if person.bold:
            func = prep / subject / "func" if person.fmriprep else None
            write_run(bids_dir / subject / "func", func, f"{subject}_task-rest", rng)
        if person.freesurfer:
            write_stats(prep / "sourcedata" / "freesurfer" / subject, _measures(rng))
    return bids_dir


def _describe(folder: Path, kind: str) -> None:
    write_text(folder / "README", NOTICE + "\n")
    description: dict[str, Any] = {
        "Name": "SYNTHETIC demo dataset of bids_brainage",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": kind,
        "License": "CC0",
        "Authors": ["bids_brainage"],
    }
    if kind == "derivative":
        description["GeneratedBy"] = [
            {"Name": "fMRIPrep", "Version": "0", "Description": "Synthetic: fMRIPrep did not run."}
        ]
    write_json(folder / "dataset_description.json", description)


def _write_t1w(stem: Path, rng: np.random.Generator) -> None:
    template = brain_template(2.0)
    data = np.asarray(template.dataobj, dtype=np.float32)
    data = 600 * data / data.max() + 5 * rng.normal(size=data.shape) * (data > 0)
    stem.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(np.round(data.clip(0)).astype(np.int16), template.affine)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, stem.with_name(f"{stem.name}.nii.gz"))
    write_json(stem.with_name(f"{stem.name}.json"), {"SkullStripped": True, "Synthetic": True})


def _measures(rng: np.random.Generator) -> dict[str, float]:
    """Measures near the middle of the shipped model's training range."""
    _, card = load_model("mavae")
    return {
        name: float(middle * (1 + 0.05 * rng.normal()))
        for name, middle in card.inputs["morphometry"].typical.items()
    }

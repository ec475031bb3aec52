"""Write small preprocessed BIDS datasets for tests: invented people, or rows of the real tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.app.demo_stats import write_stats
from bids_brainage.preprocessing.atlas import load_atlas
from bids_brainage.preprocessing.templates import brain_mask, brain_template, labels_on_grid

SPACE = "MNI152NLin6Asym"
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


@dataclass(frozen=True)
class Person:
    """One participant or session to write.

    ``measures`` are FreeSurfer values by training-table name; ``series`` is volumes x 110.
    """

    label: str
    session: str = ""
    age: str = "n/a"
    sex: str = "n/a"
    measures: Mapping[str, float] = field(default_factory=dict)
    series: np.ndarray | None = None

    @property
    def stem(self) -> str:
        return f"sub-{self.label}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> Path:
        return Path(f"sub-{self.label}", *([f"ses-{self.session}"] if self.session else []))


@cache
def grid(resolution: float = 5.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Region labels and brain mask on a coarse grid, and its affine."""
    template = brain_template(resolution)
    labels = np.asarray(labels_on_grid(load_atlas().labels, template).dataobj).astype(int)
    mask = (np.asarray(brain_mask(template).dataobj) > 0) | (labels > 0)
    return labels, mask, template.affine


def write_dataset(root: Path, people: list[Person], *, participants: bool = True) -> Path:
    """Write raw skeleton, fMRIPrep-like and FreeSurfer-like parts of a dataset."""
    prep = root / "derivatives" / "fmriprep"
    prep.mkdir(parents=True)
    describe(root, "raw")
    describe(prep, "derivative")
    if participants:
        rows = {f"sub-{p.label}": f"sub-{p.label}\t{p.age}\t{p.sex}" for p in people}
        text = "participant_id\tage\tsex\n" + "\n".join(rows.values()) + "\n"
        (root / "participants.tsv").write_text(text)
    for person in people:
        (root / person.folder).mkdir(parents=True, exist_ok=True)
        if person.series is not None:
            write_run(prep / person.folder / "func", person)
        if person.measures:
            write_stats(prep / "sourcedata" / "freesurfer" / person.stem, person.measures)
    return root


def describe(folder: Path, kind: str) -> None:
    content = {"Name": "test people", "BIDSVersion": "1.10.0", "DatasetType": kind}
    if kind == "derivative":
        content["GeneratedBy"] = [{"Name": "fMRIPrep", "Version": "23.2.0"}]
    (folder / "dataset_description.json").write_text(json.dumps(content))


def write_run(func: Path, person: Person) -> None:
    """Write a preprocessed run with the person's series painted into the atlas regions."""
    func.mkdir(parents=True, exist_ok=True)
    labels, mask, affine = grid()
    series = np.asarray(person.series, dtype=np.float32)
    table = np.column_stack([np.zeros(len(series), dtype=np.float32), series])
    data = 1000 * mask[..., None] + 20 * table.T[labels] * mask[..., None]
    name = f"{person.stem}_task-rest_space-{SPACE}"
    image = nib.Nifti1Image(data.astype(np.float32), affine)
    image.header.set_zooms((5.0, 5.0, 5.0, 2.0))
    nib.save(image, func / f"{name}_desc-preproc_bold.nii.gz")
    (func / f"{name}_desc-preproc_bold.json").write_text('{"RepetitionTime": 2.0}')
    nib.save(
        nib.Nifti1Image(mask.astype(np.uint8), affine), func / f"{name}_desc-brain_mask.nii.gz"
    )
    rng = np.random.default_rng(len(series))
    names = [*MOTION, *(f"a_comp_cor_{i:02d}" for i in range(5))]
    values = rng.normal(scale=0.01, size=(len(series), len(names)))
    lines = ["\t".join(names), *("\t".join(f"{v:.6f}" for v in row) for row in values)]
    (func / f"{person.stem}_task-rest_desc-confounds_timeseries.tsv").write_text("\n".join(lines))


def network_series(seed: int, n_volumes: int = 80) -> np.ndarray:
    """Series of 110 regions that share five invented networks."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_volumes, 5)) @ rng.normal(size=(5, 110)) + rng.normal(
        size=(n_volumes, 110)
    )

"""Write three synthetic datasets for test_image.sh: ``datasets.py FOLDER``.

``cross`` has participants 01 and 02 with fMRIPrep-like and FreeSurfer-like derivatives and 03 with
raw images only; ``long`` has 01 and 02 in two sessions each; ``nudged`` has 03 with 1 added to one
voxel in the middle of each image.
"""

import shutil
import sys
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.app.demo_series import write_run
from bids_brainage.app.demo_stats import write_stats
from bids_brainage.bids.outputs import BIDS_VERSION, write_json, write_tsv
from bids_brainage.models.store import load_model
from bids_brainage.preprocessing.templates import brain_template

AGES = {"01": 24.0, "02": 31.5, "03": 19.0}


def main(folder: Path) -> int:
    """Write the datasets."""
    write_dataset(folder / "cross", ("01", "02", "03"), (None,), raw_only=("03",))
    write_dataset(folder / "long", ("01", "02"), ("1", "2"))
    nudge(folder / "cross", folder / "nudged", "sub-03")
    return 0


def write_dataset(
    root: Path, labels: tuple[str, ...], sessions: tuple[str | None, ...], raw_only=()
) -> None:
    """Write raw images of every session, and derivatives of those not in ``raw_only``."""
    prep = root / "derivatives" / "fmriprep"
    describe(root, "raw")
    describe(prep, "derivative")
    rows = [{"participant_id": f"sub-{p}", "age": AGES[p], "sex": "F"} for p in labels]
    write_tsv(root / "participants.tsv", rows, ("participant_id", "age", "sex"))
    for number, (label, session) in enumerate((p, s) for p in labels for s in sessions):
        rng = np.random.default_rng(number)
        stem = f"sub-{label}_ses-{session}" if session else f"sub-{label}"
        place = Path(*stem.split("_"))
        write_t1w(root / place / "anat" / f"{stem}_T1w", rng)
        func = None if label in raw_only else prep / place / "func"
        write_run(root / place / "func", func, f"{stem}_task-rest", rng)
        if label not in raw_only:
            write_stats(prep / "sourcedata" / "freesurfer" / stem, measures(rng))


def nudge(source: Path, target: Path, participant: str) -> None:
    """Copy the raw images of a participant, with 1 added to the voxel in the middle."""
    describe(target, "raw")
    shutil.copytree(source / participant, target / participant)
    for path in target.rglob("*.nii.gz"):
        image = nib.load(path)
        data = np.asarray(image.dataobj).copy()
        data[tuple(size // 2 for size in data.shape)] += 1
        nib.save(nib.Nifti1Image(data, image.affine, image.header), path)


def describe(folder: Path, kind: str) -> None:
    """Say what the dataset is."""
    description = {"Name": "SYNTHETIC", "BIDSVersion": BIDS_VERSION, "DatasetType": kind}
    if kind == "derivative":
        description["GeneratedBy"] = [{"Name": "fMRIPrep", "Version": "0"}]
    write_json(folder / "dataset_description.json", description)


def write_t1w(stem: Path, rng: np.random.Generator) -> None:
    """Write a brain of the standard space with noise."""
    template = brain_template(2.0)
    data = np.asarray(template.dataobj, dtype=np.float32)
    data = 600 * data / data.max() + 5 * rng.normal(size=data.shape) * (data > 0)
    stem.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(np.round(data.clip(0)).astype(np.int16), template.affine)
    nib.save(image, stem.with_name(f"{stem.name}.nii.gz"))
    write_json(stem.with_name(f"{stem.name}.json"), {"SkullStripped": True})


def measures(rng: np.random.Generator) -> dict[str, float]:
    """Draw measures near the middle of what the shipped model was trained on."""
    _, card = load_model("mavae")
    typical = card.inputs["morphometry"].typical
    return {name: float(mid * (1 + 0.05 * rng.normal())) for name, mid in typical.items()}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

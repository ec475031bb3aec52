"""Time to the first session's inputs on a large dataset, beside a full pybids index."""

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import measure, show

SESSIONS = ("1", "2")
RAW = (
    "anat/{s}_T1w.nii.gz",
    "anat/{s}_T1w.json",
    "func/{s}_task-rest_bold.nii.gz",
    "func/{s}_task-rest_bold.json",
)
PREP = (
    "func/{s}_task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz",
    "func/{s}_task-rest_space-MNI152NLin6Asym_desc-brain_mask.nii.gz",
    "func/{s}_task-rest_desc-confounds_timeseries.tsv",
)
# Imports are part of both: a user waits for them, too.
OURS = """
from pathlib import Path
from bids_brainage.config import RunConfig
from bids_brainage.app.plan import make_plan
from bids_brainage.bids.inputs import find_inputs
plan = make_plan(RunConfig(Path({root!r}), Path("/nonexistent")))
find_inputs(plan.dataset, plan.keys[0], plan.selection)
assert len(plan.keys) == {n}, len(plan.keys)
"""
PEER = """
from bids import BIDSLayout
layout = BIDSLayout({root!r}, validate=False, derivatives=True)
assert len(layout.get_subjects()) * 2 == {n}
layout.get(subject="0001", suffix="bold")
"""


def make_dataset(root: Path, participants: int) -> None:
    """Write empty images with small sidecars, raw and fMRIPrep-like."""
    description = '{"Name": "generated", "BIDSVersion": "1.10.0", "DatasetType": "%s"%s}'
    prep = root / "derivatives" / "fmriprep"
    prep.mkdir(parents=True)
    (root / "dataset_description.json").write_text(description % ("raw", ""))
    generated = ', "GeneratedBy": [{"Name": "fMRIPrep", "Version": "24.0.0"}]'
    (prep / "dataset_description.json").write_text(description % ("derivative", generated))
    for number in range(1, participants + 1):
        for session in SESSIONS:
            stem = f"sub-{number:04d}_ses-{session}"
            for base, names in ((root, RAW), (prep, PREP)):
                folder = base / f"sub-{number:04d}" / f"ses-{session}"
                for name in names:
                    path = folder / name.format(s=stem)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text('{"RepetitionTime": 2}' if path.suffix == ".json" else "")


def main(participants: int = 1000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "dataset"
        make_dataset(root, participants)
        words = {"root": str(root), "n": participants * len(SESSIONS)}
        ours = measure(OURS.format(**words))
        peer = measure(PEER.format(**words), repeats=1)
    show(
        f"start to first session's inputs, {participants} participants x {len(SESSIONS)} sessions",
        ours,
        peer,
        "pybids BIDSLayout, full index",
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))

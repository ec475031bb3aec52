"""Write the dataset of test_slurm.sh: twenty invented people with derivatives, one unusable.

Usage: python invent_people.py FOLDER (which must not exist), from the root of the repository.
"""

import sys
from pathlib import Path

import numpy as np

from bids_brainage.models.store import load_model
from tests.people import Person, network_series, write_dataset

BROKEN, NO_BOLD, NO_MORPHOMETRY = "03", "05", "06"


def main(folder: Path) -> None:
    """Write fMRIPrep-like runs and FreeSurfer-like stats of everyone."""
    typical = load_model("mavae")[1].inputs["morphometry"].typical
    people = []
    for seed in range(1, 21):
        label = f"{seed:02d}"
        rng = np.random.default_rng(seed)
        measures = {name: value * (1 + 0.05 * rng.normal()) for name, value in typical.items()}
        people.append(
            Person(
                label,
                age=f"{rng.uniform(18, 60):.1f}",
                sex="FM"[seed % 2],
                measures={} if label in (BROKEN, NO_MORPHOMETRY) else measures,
                series=None if label == NO_BOLD else network_series(seed),
            )
        )
    write_dataset(folder, people)
    for image in folder.glob(f"derivatives/fmriprep/sub-{BROKEN}/func/*desc-preproc_bold.nii.gz"):
        image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

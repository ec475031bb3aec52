"""Connectomes of one run preprocessed twice: by the App from raw images, and by another pipeline.

Usage: python -m benchmarks.agreement OURS OTHER PARTICIPANT TASK [--atlas OURS_ATLAS OTHER_ATLAS]

OURS is an OUTPUT_DIR of the App, OTHER a dataset with derivatives under fMRIPrep's names. Prints
the correlation of the upper triangles of the two connectomes for each denoising preset. Without
--atlas both are read with the Harvard-Oxford regions, drawn in MNI152NLin6Asym; --atlas gives one
file of the same atlas for each side, drawn in the template of each.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

PRESETS = ("compcor", "24P", "36P", "simple", "minimal")


def main() -> int:
    """Print one line per preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ours", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("participant")
    parser.add_argument("task")
    parser.add_argument("--atlas", nargs=2, default=["HarvardOxford"] * 2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from bids_brainage.bids.dataset import open_dataset
    from bids_brainage.bids.inputs import find_inputs
    from bids_brainage.bids.preferences import InputSelection
    from bids_brainage.features.connectivity import combine_runs, extract_run
    from bids_brainage.preprocessing.atlas import load_atlas
    from bids_brainage.preprocessing.denoising import load_preset
    from bids_brainage.records.session import SessionKey

    selection = InputSelection(task_ids=(options.task,))
    key = SessionKey(options.participant.removeprefix("sub-"))
    sides = []
    for root, name in zip((options.ours, options.other), options.atlas, strict=True):
        runs = find_inputs(open_dataset(root), key, selection).runs
        if not runs:
            print(f"no preprocessed run of task {options.task} in {root}", file=sys.stderr)
            return 66
        sides.append((runs[0], load_atlas(name, runs[0].space)))
    print("preset\tcorrelation of the connectomes\tshare of connections in both")
    for preset in PRESETS:
        pairs = []
        for run, atlas in sides:
            matrix = combine_runs([extract_run(run, atlas, load_preset(preset))]).matrix
            pairs.append(matrix[np.triu_indices_from(matrix, 1)])
        both = np.isfinite(pairs[0]) & np.isfinite(pairs[1])
        r = np.corrcoef(pairs[0][both], pairs[1][both])[0, 1]
        print(f"{preset}\t{r:.3f}\t{both.mean():.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

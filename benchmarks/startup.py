"""Time to the first session's inputs, and of each further one, beside a full pybids index.

Usage: python -m benchmarks.startup [--small]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = (100, 1000, 10_000)
INDEXED = 1000  # participants; pybids takes minutes for more

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
assert len(plan.keys) == {n}
keys = plan.keys
def query(key):
    inputs = find_inputs(plan.dataset, key, plan.selection)
    assert len(inputs.runs) == 1 and inputs.demographics.age
"""
PEER = """
from bids import BIDSLayout
layout = BIDSLayout({root!r}, validate=False, derivatives=True)
keys = [(label, session) for label in layout.get_subjects() for session in ("1", "2")]
assert len(keys) == {n}
def query(key):
    one = dict(subject=key[0], session=key[1], scope="derivatives")
    bold, = layout.get(suffix="bold", desc="preproc", extension=".nii.gz", **one)
    assert layout.get(suffix="mask", **one) and layout.get(suffix="timeseries", **one)
    layout.get_metadata(bold.path)
"""
WRAPPER = """
import json, resource, statistics, time
begin = time.perf_counter()
{work}
query(keys[0])
start = dict(seconds=time.perf_counter() - begin, cpu=time.process_time(),
             peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
def timed(key):
    begin = time.process_time()
    query(key)
    return 1000 * (time.process_time() - begin)
# Of sessions spread over the dataset.
some = [timed(key) for key in keys[1 :: max(1, len(keys) // 50)]]
print(json.dumps(start | dict(query_ms=statistics.median(some))))
"""


def make_dataset(root: Path, participants: int) -> None:
    """Write images of one byte with small sidecars, raw and fMRIPrep-like."""
    description = '{"Name": "generated", "BIDSVersion": "1.10.0", "DatasetType": "%s"%s}'
    prep = root / "derivatives" / "fmriprep"
    prep.mkdir(parents=True)
    (root / "dataset_description.json").write_text(description % ("raw", ""))
    people = [f"sub-{number:04d}\t{20 + number % 60}\tF\n" for number in range(1, participants + 1)]
    (root / "participants.tsv").write_text("participant_id\tage\tsex\n" + "".join(people))
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
                    path.write_text('{"RepetitionTime": 2}' if path.suffix == ".json" else "x")


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Print both programs on every size, pybids up to the size that it indexes in minutes."""
    print("start: imports, index or plan, and the inputs of the first session")
    print(f"{'participants':>12s} {'program':<14s} {'start s':>9s} {'CPU s':>8s} {'MB':>6s} "
          f"{'CPU ms per further session':>27s}")  # fmt: skip
    for participants in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "dataset"
            make_dataset(root, participants)
            ways = {"bids_brainage": OURS}
            ways |= {"pybids": PEER} if participants <= INDEXED else {}
            found = {name: run(work, root, participants) for name, work in ways.items()}
        for name, one in found.items():
            print(f"{participants:12d} {name:<14s} {one['seconds']:9.2f} {one['cpu']:8.2f} "
                  f"{one['peak_mb']:6.0f} {one['query_ms']:27.2f}", flush=True)  # fmt: skip
        if len(found) > 1:
            ours, peer = found.values()
            ratios = {key: peer[key] / ours[key] for key in ours}
            print(f"{'':12s} {'ratio':<14s} {ratios['seconds']:9.1f} {ratios['cpu']:8.1f} "
                  f"{ratios['peak_mb']:6.1f} {ratios['query_ms']:27.1f}", flush=True)  # fmt: skip


def run(work: str, root: Path, participants: int) -> dict[str, float]:
    """Measure one program in a fresh process."""
    words = {"root": str(root), "n": participants * len(SESSIONS)}
    code = WRAPPER.format(work=work.format(**words))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few participants, for a quick look")
    main((20, 100) if parser.parse_args().small else SIZES)

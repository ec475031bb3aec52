"""The App over datasets of every layout: who is found, which inputs are chosen, what becomes of it.

python -m benchmarks.layouts PATH... [--run] [--most N] [--table FILE]

PATH is a dataset, or an archive of datasets. Where images are empty, as in the published
examples, a second row shows what is chosen once they hold something; where there are other
tasks than rest, a third shows all of them. --run does what a user would do with the first N
participants: the whole App, on one thread.
"""

import argparse
import contextlib
import csv
import gzip
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.app.plan import make_plan
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.config import RunConfig
from bids_brainage.errors import BrainAgeError
from bids_brainage.records.inputs import SessionInputs

FOUND = ("participants", "sessions", "ages", "sexes", "morphometry", "preprocessed", "t1w",
         "borrowed", "raw_bold", "chosen")  # fmt: skip
COLUMNS = ("dataset", "images", "options", *FOUND, "ran", "exit", "seconds", "reason")
Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--run", action="store_true", help="run the App for real")
    parser.add_argument("--most", type=int, default=3, help="participants to run (default: 3)")
    parser.add_argument("--table", type=Path, help="write the table as TSV")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        file = stack.enter_context(options.table.open("w")) if options.table else sys.stdout
        writer = csv.DictWriter(file, COLUMNS, "n/a", delimiter="\t", lineterminator="\n")
        writer.writeheader()
        for path in options.paths:
            for dataset in unpack(path, Path(folder)):
                for row in rows_of(dataset, options.most if options.run else 0):
                    writer.writerow(row)
                    file.flush()
    return 0


def unpack(path: Path, folder: Path) -> list[Path]:
    """The dataset itself, or those of an archive, unpacked into the folder."""
    if path.is_dir():
        return [path]
    target = folder / path.name.split(".")[0]
    with tarfile.open(path) as archive:
        archive.extractall(target, filter="data")
    return sorted(p for p in target.iterdir() if p.is_dir())


def rows_of(dataset: Path, most: int = 0) -> Iterator[Row]:
    """Rows of one dataset: as published, with images filled, with all tasks."""
    images = "published"
    yield {"images": images, **row_of(dataset, (), most)}
    if not any(dataset.glob("sub-*")) and any(dataset.glob("*/stats")):
        yield {"images": images, **row_of(dataset, ("--fs-subjects-dir", str(dataset)), most)}
    tasks = tasks_of(dataset)
    with tempfile.TemporaryDirectory() as folder:
        place = dataset
        if any(is_empty(path) for path in dataset.rglob("sub-*_*.nii*")):
            place, images, most = Path(folder) / dataset.name, "filled", 0
            fill(dataset, place)
            yield {"images": images, **row_of(place)}
        if any(not task.lower().startswith("rest") for task in tasks):
            yield {"images": images, **row_of(place, ("--task-id", *tasks), most)}


def row_of(dataset: Path, options: Sequence[str] = (), most: int = 0) -> Row:
    """What the App finds in a dataset, and with ``most`` what it makes of it."""
    shown = " ".join(options).replace(str(dataset), "BIDS_DIR")
    row: Row = {"dataset": dataset.name, "options": shown or "n/a"}
    tasks = tuple(options[1:]) if "--task-id" in options else ()
    home = dataset if "--fs-subjects-dir" in options else None
    config = RunConfig(dataset, Path("/nowhere"), task_ids=tasks, fs_subjects_dir=home)
    try:
        plan = make_plan(config)
    except BrainAgeError as error:
        row |= dict.fromkeys(FOUND, 0) | {"chosen": "n/a", "reason": error.message}
        people: tuple[str, ...] = ()
    else:
        found = [find_inputs(plan.dataset, key, plan.selection) for key in plan.keys]
        row |= count(found)
        people = plan.dataset.participants[:most]
    return row | run(dataset, options, people) if most else row


def count(found: Sequence[SessionInputs]) -> Row:
    """Numbers of what was found and chosen, and the names that were chosen."""
    names: list[str] = []
    for inputs in found:
        names += [run.bold.name for run in inputs.runs]
        names += [run.path.name for run in inputs.raw_runs]
        names += [inputs.t1w.path.name] if inputs.t1w else []
        names += ["stats"] if inputs.freesurfer else []
    chosen = Counter(re.sub(r"^sub-[^_]+_(ses-[^_]+_)?", "", name) for name in names)
    merged: Counter[str] = Counter()
    for name, number in chosen.items():
        merged[re.sub(r"run-\d+", "run-*", name)] += number
    return {
        "participants": len({inputs.key.participant for inputs in found}),
        "sessions": len(found),
        "ages": sum(inputs.demographics.age is not None for inputs in found),
        "sexes": sum(inputs.demographics.sex is not None for inputs in found),
        "morphometry": sum(inputs.freesurfer is not None for inputs in found),
        "preprocessed": sum(len(inputs.runs) for inputs in found),
        "t1w": sum(inputs.t1w is not None for inputs in found),
        "borrowed": sum(inputs.t1w_borrowed for inputs in found),
        "raw_bold": sum(len(inputs.raw_runs) for inputs in found),
        "chosen": "; ".join(f"{merged[name]} {name}" for name in sorted(merged)) or "n/a",
    }


def run(dataset: Path, options: Sequence[str], people: Sequence[str]) -> Row:
    """Run the App on some participants, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bids_brainage", str(dataset), folder, "participant",
                   "group", *options, "--nprocs", "1", "--omp-nthreads", "1"]  # fmt: skip
        command += ["--participant-label", *people] if people else []
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        logs = sorted(Path(folder).rglob("*_desc-extraction_log.json"))
        extractions = [json.loads(log.read_text(encoding="utf-8")) for log in logs]
    if "Traceback" in done.stdout + done.stderr:
        raise RuntimeError(f"a traceback reached the user of {dataset.name}:\n{done.stderr}")
    states = Counter(extraction["status"] for extraction in extractions)
    ran = "; ".join(f"{states[name]} {name}" for name in sorted(states))
    reasons = [extraction["reason"] for extraction in extractions if extraction["reason"]]
    said = done.stderr.strip().splitlines()[-1:] if not logs else []
    return {
        "ran": ran or "n/a",
        "exit": done.returncode,
        "seconds": round(seconds),
        "reason": " ".join((*reasons, *said, "n/a")[0].replace(str(dataset), dataset.name).split()),
    }


def tasks_of(dataset: Path) -> list[str]:
    """Task labels of the BOLD images that are not below a derivative."""
    names = (p.name for p in dataset.glob("sub-*/**/func/*_bold.nii*"))
    return sorted({m[1] for m in (re.search(r"_task-([^_]+)_", name) for name in names) if m})


def is_empty(path: Path) -> bool:
    """Whether an image that a raw dataset may hold is without content."""
    return path.name.endswith((".nii", ".nii.gz")) and path.is_file() and not path.stat().st_size


def fill(dataset: Path, target: Path) -> None:
    """Link to every file of the dataset, but give empty images a tiny content."""
    for path in dataset.rglob("*"):
        place = target / path.relative_to(dataset)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if is_empty(path):
            shape = (2, 2, 2, 3) if "_bold" in path.name else (2, 2, 2)
            image = nib.Nifti1Image(np.zeros(shape, dtype=np.int16), np.eye(4)).to_bytes()
            place.write_bytes(gzip.compress(image) if path.suffix == ".gz" else image)
        else:
            place.symlink_to(path.resolve())


if __name__ == "__main__":
    sys.exit(main())

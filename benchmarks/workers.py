"""Extraction of sessions with BOLD and FreeSurfer output in 1 to N workers, N being the CPUs.

Usage: python -m benchmarks.workers [--small]

Each worker takes one thread. A run in one process has no workers to start; the others load their
libraries in every worker, which a few sessions do not repay: the last column leaves that out, as
the rate between the first and the last finished session does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

SESSIONS = 24
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(sessions: int = SESSIONS, repeats: int = 3) -> None:
    """Measure in turns and print a table."""
    cpus = len(os.sched_getaffinity(0))
    counts = sorted({1, *(2**n for n in range(1, 8) if 2**n < cpus), cpus})
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "bids"
        make_dataset(dataset, sessions)
        for repeat in range(repeats):
            for count in counts:
                output = Path(folder) / f"output-{repeat}-{count}"
                found[count].append(start(dataset, output, count))
    load = os.getloadavg()[0]
    print(
        f"{sessions} sessions, medians of {repeats} runs, {cpus} CPUs, load {load:.1f} at the end"
    )
    print(f"{'workers':>7s} {'seconds':>9s} {'sessions/min':>13s} {'efficiency':>11s} "
          f"{'without start':>14s} {'efficiency':>11s} {'CPU s/session':>14s}")  # fmt: skip
    medians = {
        count: {key: median(run[key] for run in runs) for key in runs[0]}
        for count, runs in found.items()
    }
    for count, run in medians.items():
        print(f"{count:7d} {run['seconds']:9.1f} {60 * sessions / run['seconds']:13.1f} "
              f"{medians[1]['seconds'] / run['seconds'] / count:11.2f} "
              f"{run['rate']:14.1f} {run['rate'] / medians[1]['rate'] / count:11.2f} "
            f"{run['cpu'] / sessions:14.2f}")  # fmt: skip


def make_dataset(root: Path, sessions: int) -> None:
    """The demo's people, as many as asked for: the same BOLD under other names."""
    import shutil

    import numpy as np

    from benchmarks.scale import make_dataset as make_stats
    from bids_brainage.app.demo_series import write_run

    make_stats(root, sessions)
    prep = root / "derivatives" / "fmriprep"
    prep.mkdir()
    description = {"Name": "generated", "BIDSVersion": "1.10.0", "DatasetType": "derivative",
                   "GeneratedBy": [{"Name": "fMRIPrep", "Version": "0"}]}  # fmt: skip
    (prep / "dataset_description.json").write_text(json.dumps(description))
    first = prep / "sub-00001" / "func"
    write_run(Path(root) / "unused", first, "sub-00001_task-rest", np.random.default_rng(0))
    shutil.rmtree(root / "unused", ignore_errors=True)
    for number in range(2, sessions + 1):
        label = f"sub-{number:05d}"
        (prep / label / "func").mkdir(parents=True)
        for path in first.iterdir():
            shutil.copy(path, prep / label / "func" / path.name.replace("sub-00001", label))


def start(dataset: Path, output: Path, workers: int) -> dict[str, float]:
    """Run one extraction in a fresh process with one thread for each worker."""
    arguments = ["-m", "benchmarks.workers", "--child", str(dataset), str(output), str(workers)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], stdout=subprocess.PIPE, text=True, check=True,
        env=os.environ | dict.fromkeys(THREADS, "1"),
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def child(dataset: Path, output: Path, workers: int) -> dict[str, float]:
    """Extract here; imports of this process are not timed, those of workers are."""
    from benchmarks.scale import cpu
    from bids_brainage.app import participant  # noqa: F401
    from bids_brainage.app.run import run
    from bids_brainage.config import RunConfig

    ends: list[float] = []

    def say(line: str) -> None:
        if line.startswith("["):
            ends.append(time.perf_counter())

    begin, before = time.perf_counter(), cpu()
    config = RunConfig(dataset, output, stage="extract", raw=False, nprocs=workers)
    if run(config, say):
        raise RuntimeError("a session failed")
    between = ends[-1] - ends[workers - 1]
    rate = 60 * (len(ends) - workers) / between
    return {"seconds": time.perf_counter() - begin, "rate": rate, "cpu": cpu() - before}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few sessions, for a quick look")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        given, made, number = options.child
        print(json.dumps(child(Path(given), Path(made), int(number))))
    else:
        main(**({"sessions": 6, "repeats": 1} if options.small else {}))

"""Time per session and peak memory of each stage as the number of participants grows.

Usage: python -m benchmarks.scale [--small]

Participants have generated FreeSurfer statistics, so that what the App itself adds to a session
shows. Extraction runs in two workers, the other stages in one process. The pages of predict are
measured apart, on some participants: they are figures, and the same work for each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

SIZES = (100, 1000, 10_000)
SMALL = (20, 100)
PAGES = 50
STAGES = ("extract", "predict", "predict again", "group")


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Run every stage on every size and print a table."""
    print(f"{'stage':<15s} {'sessions':>8s} {'seconds':>9s} {'ms/session':>11s} "
          f"{'CPU ms/session':>15s} {'main MB':>8s} {'worker MB':>10s}")  # fmt: skip
    firsts: dict[str, dict[str, float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            dataset, output = Path(folder) / "bids", Path(folder) / "output"
            make_dataset(dataset, size)
            for stage in STAGES:
                found = start(stage, dataset, output)
                firsts.setdefault(stage, found)
                print(f"{stage:<15s} {size:8d} {found['seconds']:9.1f} "
                      f"{1000 * found['seconds'] / size:11.2f} {1000 * found['cpu'] / size:15.2f} "
                      f"{found['main']:8.0f} {found['worker'] or float('nan'):10.0f}",
                      flush=True)  # fmt: skip
                if size == sizes[-1]:
                    growth = 1024 * (found["main"] - firsts[stage]["main"]) / (size - sizes[0])
                    print(f"{'':<15s} main memory grows by {growth:.1f} kB per session")
            if size == sizes[-1]:
                page = output / "group_brainage.html"
                print(f"group page of {size} sessions: {page.stat().st_size / 1e6:.2f} MB")
            if size == sizes[0]:
                found = start("pages", dataset, output)
                number = min(PAGES, size)
                print(f"{'page':<15s} {number:8d} {found['seconds']:9.1f} "
                      f"{1000 * found['seconds'] / number:11.2f} "
                      f"{1000 * found['cpu'] / number:15.2f}")  # fmt: skip


def make_dataset(root: Path, participants: int) -> None:
    """Write FreeSurfer statistics around the typical ones, and ages."""
    import numpy as np

    from bids_brainage.app.demo_stats import write_stats
    from bids_brainage.models.store import load_model

    typical = load_model("mavae")[1].inputs["morphometry"].typical
    rng = np.random.default_rng(0)
    rows = ["participant_id\tage\tsex"]
    for number in range(1, participants + 1):
        label = f"sub-{number:05d}"
        (root / label).mkdir(parents=True)
        measures = {name: float(v * (1 + 0.05 * rng.normal())) for name, v in typical.items()}
        write_stats(root / "derivatives" / "freesurfer" / label, measures)
        rows.append(f"{label}\t{20 + number % 60}\t{'FM'[number % 2]}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    description = {"Name": "generated", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    (root / "dataset_description.json").write_text(json.dumps(description))


def start(stage: str, dataset: Path, output: Path) -> dict[str, float]:
    """Run one stage in a fresh process."""
    arguments = ["-m", "benchmarks.scale", "--child", stage, str(dataset), str(output)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def child(stage: str, dataset: Path, output: Path) -> dict[str, float]:
    """Run one stage here; imports are not timed, their memory counts."""
    from bids_brainage.app import pages, predict_stage
    from bids_brainage.app.run import run
    from bids_brainage.bids.scan import list_participants
    from bids_brainage.config import RunConfig

    levels = ("group",) if stage == "group" else ("participant",)
    stages = {"extract": "extract", "predict": "predict", "predict again": "predict"}
    config = RunConfig(
        dataset, output, levels=levels, stage=stages.get(stage, "all"), raw=False,
        nprocs=2 if stage == "extract" else 1,
    )  # fmt: skip
    # Pages are measured apart; the methods text, which reads everyone, is not.
    predict_stage.write_pages = lambda config, _: pages.write_methods(config.output_dir)
    begin = time.perf_counter()
    before = cpu()
    if stage == "pages":
        pages.write_pages(config, list_participants(output)[:PAGES])
    else:
        run(config, lambda line: None)
    return {
        "seconds": time.perf_counter() - begin,
        "cpu": cpu() - before,
        "main": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
        "worker": getrusage(RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def cpu() -> float:
    """Seconds of computation of this process and of its ended workers."""
    both = (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few participants, for a quick look")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child[0], *map(Path, options.child[1:]))))
    else:
        main(SMALL if options.small else SIZES)

"""Run one piece of work in a fresh process and measure it."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WRAPPER = """
import json, resource, sys, time
{setup}
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
json.dump({{"seconds": seconds, "peak_mb": peak}}, sys.stdout)
"""


def measure(work: str, setup: str = "", repeats: int = 3) -> dict[str, float]:
    """Median seconds of ``work`` (``setup`` not counted) and peak memory of its process in MB."""
    code = WRAPPER.format(setup=setup, work=work)
    runs = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    runs.sort(key=lambda run: run["seconds"])
    return runs[len(runs) // 2]


def in_turns(
    ways: Mapping[str, Sequence[str]], repeats: int, threads: int
) -> dict[str, dict[str, float]]:
    """Median of each number that the ways print, each run in a process of its own.

    The ways take turns, so that other work on the machine meets all of them alike.

    Parameters
    ----------
    ways
        Arguments of the Python interpreter; the last line of the output is a JSON object.
    threads
        Threads of the numerical libraries.
    """
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, arguments in ways.items():
            done = subprocess.run(
                [sys.executable, "-W", "ignore", *arguments],
                stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, env=environment,
            )  # fmt: skip
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        name: {key: median(run[key] for run in found) for key in found[0]}
        for name, found in runs.items()
    }


def peak_mb() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(title: str, ours: dict[str, float], peer: dict[str, float], peer_name: str) -> None:
    """Print both and the ratios."""
    print(title)
    for name, run in (("bids_brainage", ours), (peer_name, peer)):
        print(f"  {name:<34s} {run['seconds']:9.3f} s  {run['peak_mb']:7.0f} MB")
    print(
        f"  ratio                              {peer['seconds'] / ours['seconds']:9.1f} x  "
        f"{peer['peak_mb'] / ours['peak_mb']:7.1f} x"
    )

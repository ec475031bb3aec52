"""Run one piece of work in a fresh process and measure it."""

import json
import subprocess
import sys

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


def show(title: str, ours: dict[str, float], peer: dict[str, float], peer_name: str) -> None:
    """Print both and the ratios."""
    print(title)
    for name, run in (("bids_brainage", ours), (peer_name, peer)):
        print(f"  {name:<34s} {run['seconds']:9.3f} s  {run['peak_mb']:7.0f} MB")
    print(
        f"  ratio                              {peer['seconds'] / ours['seconds']:9.1f} x  "
        f"{peer['peak_mb'] / ours['peak_mb']:7.1f} x"
    )

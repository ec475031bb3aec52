"""The fuzz tests of the suite with new examples, over and over.

python -m benchmarks.fuzz [--minutes 10] [--examples 1000]
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run the fuzz tests with new examples.")
    parser.add_argument("--minutes", type=float, default=10, help="stop a round after these")
    parser.add_argument("--examples", type=int, default=1000, help="of each property per round")
    options = parser.parse_args(argv)
    files = sorted(str(path) for path in TESTS.rglob("test_fuzz*.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", *files]
    environment = os.environ | {"FUZZ_EXAMPLES": str(options.examples)}
    started, rounds = time.monotonic(), 0
    while not rounds or time.monotonic() - started < 60 * options.minutes:
        done = subprocess.run(command, env=environment, check=False, cwd=TESTS.parent)
        if done.returncode:
            return done.returncode
        rounds += 1
        minutes = (time.monotonic() - started) / 60
        print(f"{rounds} x {options.examples} examples of each property, {minutes:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

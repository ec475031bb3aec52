"""Break things many times and print the table of `docs/hard_conditions.md`.

``python -m benchmarks.faults`` runs the tests of ``tests/hard`` and counts their cases, then the
long forms: kills at random moments, many processes on one output, disks that fill up at every
size, killed workers. Mounting a small disk needs root.
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from bids_brainage.bids.outputs import LEFTOVER, LEFTOVER_AGE, read_json, read_tsv
from bids_brainage.models.store import load_model
from tests.hard.app import rows, tables
from tests.hard.processes import finish, run, start, without_pages
from tests.people import Person, network_series, write_dataset

ROOT = Path(__file__).parents[1]
KILLS = ((44, "one process", 1, without_pages), (3, "pages too", 1, None),
         (3, "two workers", 2, without_pages))  # fmt: skip
PROCESSES = (2, 4, 8)
DISKS = range(4, 124, 4)  # KB
WORKERS_KILLED = 3
# Tests whose cases are counted: condition, what is done, test, outcome.
COUNTED = (
    ("broken images", "BOLD or mask cut, empty, not packed, text, NaN, zeros, complex, colours, "
     "other dimensions, flat axes, negative size, broken link, pointer",
     "test_images.py::test_broken_", "the reason in the row, everyone else as before"),
    ("images stored otherwise", "rotated axes, scaled int16, big-endian, float64",
     "test_images.py::test_other_", "the same number"),
    ("file sizes limited", "RLIMIT_FSIZE", "test_places.py::test_files_that",
     "exit 73, no half file, a rerun completes"),
    ("memory limited", "RLIMIT_AS and a header that claims 2 GB",
     "test_places.py::test_a_session_that_needs", "that session's row says so"),
    ("no home, unknown user, no shared memory", "HOME unset, user 12345, 4 KB of /dev/shm, "
     "read-only input", "test_places.py::test_an_unknown", "the same numbers, one warning"),
    ("output not writable", "permissions, read-only mount, a file in place of a folder, an input",
     "test_places.py::test_a(n_output|_file)", "exit 73 with the place"),
    ("input not readable", "a folder, a table, the dataset without permission",
     "test_places.py::test_(input|a_dataset)", "costs what it holds; the dataset: exit 66"),
    ("JSON", "UTF-8 mark, Latin-1, UTF-16, empty, cut, list, binary, nested 100,000 deep, pointer",
     "test_text_files.py::test_(desc|broken|a_desc)",
     "read, or exit 16 (description), or passed over with a note (sidecar)"),
    ("FreeSurfer statistics", "five versions; empty, cut, binary, HTML, commas, pointer",
     "test_text_files.py::test_(stat|a_recon)", "the same number, or a row with the reason"),
    ("demographics", "25 ways to write an age, 18 a sex, 24 headers and line ends, 13 broken "
     "tables, labels alike, sessions", "test_demographics.py", "right or n/a with a note"),
    ("hostile labels and cells", "path traversal, HTML, formulas, links out of the output",
     "test_hostile.py", "nothing outside written, pages escape, cells harmless"),
    ("changed configuration", "denoising, atlas, models, threshold, version, damaged record",
     "test_configuration.py", "exit 73 before anyone is touched"),
)  # fmt: skip
Line = tuple[str, str, int, int, str, str]


def main() -> None:
    print("| condition | what is done | tried | as expected | outcome | test |")
    print("|---|---|---:|---:|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for line in chain(long_forms(Path(name)), counted(Path(name))):
            print("| " + " | ".join(map(str, line)) + " |", flush=True)


def long_forms(root: Path) -> Iterator[Line]:
    people = make_people(root / "bids", 4)
    for number, how, nprocs, prepare in KILLS:
        yield kills(root / f"kills {how}", people, number, how, nprocs, prepare)
    yield many_processes(root / "many", people)
    yield full_disks(root / "disk", make_people(root / "bids3", 3, bold=0))
    yield killed_workers(root / "workers", people)


def make_people(root: Path, number: int, bold: int = 2) -> Path:
    """Write people of different brains; the first ones with BOLD."""
    typical = load_model("mavae")[1].inputs["morphometry"].typical
    return write_dataset(
        root,
        [
            Person(f"{n:02d}", age=str(20 + 10 * n), sex="FM"[n % 2],
                   measures={name: (1 + 0.02 * n) * value for name, value in typical.items()},
                   series=network_series(n, 60) if n <= bold else None)
            for n in range(1, number + 1)
        ],
    )  # fmt: skip


def undisturbed(
    root: Path, bids: Path, nprocs: int, prepare: Callable[[], object] | None
) -> tuple[dict[str, bytes], float]:
    """Tables of a run that nothing disturbs, and how long it takes."""
    root.mkdir()
    for output in ("warm", "undisturbed"):
        began = time.monotonic()
        words = [bids, root / output, "participant", "group", "--nprocs", str(nprocs)]
        assert run(root / "log", words, prepare).code == 0
    return tables(root / "undisturbed"), time.monotonic() - began


def kills(
    root: Path, bids: Path, number: int, how: str, nprocs: int,
    prepare: Callable[[], object] | None,
) -> Line:  # fmt: skip
    """Kill at a random moment, gather, run again, compare."""
    serial, seconds = undisturbed(root, bids, nprocs, prepare)
    seen: Counter[str] = Counter()
    for seed in range(number):
        output = root / f"out{seed}"
        words = [bids, output, "participant", "group", "--nprocs", str(nprocs)]
        process = start(root / "killed", words, prepare)
        time.sleep(random.Random(seed).uniform(0.02, 1) * seconds)
        seen["killed"] += process.is_alive()
        process.kill()
        process.join()
        right = True
        if list(output.glob("sub-*")) or list((output / "logs" / "started").glob("sub-*.json")):
            run(root / "group", [bids, output, "group"], without_pages)
            gathered = read_tsv(output / "group_brainage.tsv")
            bad = [row for row in gathered if row["status"] != "ok"]
            seen["interrupted"] += len(bad)
            right = all(row["status_reason"].startswith("interrupted") for row in bad)
        right &= run(root / "rerun", words, prepare).code == 0
        right &= tables(output) == serial
        seen["left"] += age_leftovers(output)
        run(root / "later", [bids, output, "participant", "--nprocs", "1"], without_pages)
        right &= not leftovers(output)
        seen["right"] += right
    outcome = (
        f"tables byte for byte as undisturbed; {seen['interrupted']} rows told the interruption in "
        f"between; {seen['left']} temporary files stayed, none after the next run an hour later"
    )
    told = f"at a random moment of {seconds:.0f} s, {how}; then rerun ({seen['killed']} ran still)"
    return "kill -9", told, number, seen["right"], outcome, "test_processes.py"


def leftovers(output: Path) -> list[Path]:
    return [path for path in output.rglob(".*") if LEFTOVER.fullmatch(path.name)]


def age_leftovers(output: Path) -> int:
    """Make temporary files old enough to be swept; return how many there are."""
    found = leftovers(output)
    for path in found:
        os.utime(path, (time.time() - 2 * LEFTOVER_AGE,) * 2)
    return len(found)


def many_processes(root: Path, bids: Path) -> Line:
    """N processes at once, each with its own participants or all with the same."""
    serial, _ = undisturbed(root, bids, 1, without_pages)
    right = tried = 0
    labels = [f"{n:02d}" for n in range(1, 5)]
    for number in PROCESSES:
        for same in (False, True):
            output = root / f"out{number}{same}"
            started = []
            for index in range(number):
                share = labels if same else labels[index::number] or labels[:1]
                words = [bids, output, "participant", "--nprocs", "1", "--participant-label"]
                log = root / f"log{index}"
                started.append((start(log, [*words, *share], without_pages), log))
            codes = {finish(process, log).code for process, log in started}
            codes.add(run(root / "group", [bids, output, "group"], without_pages).code)
            tried += number
            right += number * (codes == {0} and tables(output) == serial and not leftovers(output))
    told = f"{', '.join(map(str, PROCESSES))} at once, own participants or all the same ones"
    return ("N processes on one output", told, tried, right,
            "tables byte for byte as of one process", "test_processes.py")  # fmt: skip


def full_disks(root: Path, bids: Path) -> Line:
    """A disk of every size up to what is needed."""
    told = f"tmpfs of {DISKS[0]} to {DISKS[-1]} KB; then more space and a rerun"
    test = "test_places.py"
    if os.geteuid() != 0:
        return "full disk", told + " (not tried: needs root)", 0, 0, "", test
    serial, _ = undisturbed(root, bids, 1, without_pages)
    seen: Counter[str] = Counter()
    for size in DISKS:
        place = root / f"disk{size}"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", place], check=True)
        try:
            words = [bids, place / "out", "participant", "group", "--nprocs", "1"]
            done = run(root / "log", words, without_pages)
            full = done.code == 73 and "No space left on device" in done.err
            seen["full"] += full
            kept = all(row["status"] == "ok" for row in rows(place / "out").values())
            subprocess.run(["mount", "-o", "remount,size=50m", place], check=True)
            again = run(root / "log", words, without_pages).code == 0
            right = (full or done.code == 0) and kept and again
            seen["right"] += right and tables(place / "out") == serial
        finally:
            subprocess.run(["umount", place], check=True)
    outcome = f"{seen['full']} times exit 73, else enough space; what was finished stayed"
    return "full disk", told, len(DISKS), seen["right"], outcome, test


def killed_workers(root: Path, bids: Path) -> Line:
    """Kill whichever worker takes up one participant, as the system does when memory runs out."""
    serial, _ = undisturbed(root, bids, 2, without_pages)
    right = 0
    for number in range(WORKERS_KILLED):
        label = f"{number % 4 + 1:02d}"
        output = root / f"out{number}"
        words = [bids, output, "participant", "--nprocs", "2"]
        process = start(root / "log", words, without_pages)
        marker = output / "logs" / "started" / f"sub-{label}.json"
        killed: set[int] = set()
        while process.is_alive():
            try:
                worker = int(read_json(marker)["process"])
                if worker not in killed:
                    os.kill(worker, signal.SIGKILL)
                    killed.add(worker)
            except Exception:
                time.sleep(0.001)
        done = finish(process, root / "log")
        found = rows(output)
        row = found.pop(f"sub-{label}")
        told = "killed" in row["status_reason"] if len(killed) > 1 else row["status"] == "ok"
        others = len(found) == 3 and all(other["status"] == "ok" for other in found.values())
        again = run(root / "again", [bids, output, "participant", "group"], without_pages).code == 0
        right += told and others and again and done.code == int(len(killed) > 1)
        right -= tables(output) != serial
    return ("worker killed for lack of memory", "kill -9 of each worker that takes up one person",
            WORKERS_KILLED, right, "that session's row says so, the others have theirs; a rerun "
            "completes", "test_processes.py")  # fmt: skip


def counted(root: Path) -> Iterator[Line]:
    """Cases of the tests, by condition."""
    report = root / "tests.xml"
    command = [sys.executable, "-m", "pytest", "tests/hard", "-q", "-p", "no:xdist"]
    subprocess.run([*command, f"--junitxml={report}"], cwd=ROOT, stdout=sys.stderr, check=False)
    cases = [
        (f"{case.get('classname', '').split('.')[-1]}.py::{case.get('name')}", list(case))
        for case in ET.parse(report).iter("testcase")
    ]
    for condition, told, pattern, outcome in COUNTED:
        # Skipped cases were not tried.
        mine = [inside for name, inside in cases if matches(pattern, name)]
        tried = [inside for inside in mine if not any(e.tag == "skipped" for e in inside)]
        good = sum(not inside for inside in tried)
        yield condition, told, len(tried), good, outcome, pattern.partition("::")[0]


def matches(pattern: str, name: str) -> bool:
    return bool(re.match(pattern.replace(".py", r"\.py"), name))


if __name__ == "__main__":
    main()

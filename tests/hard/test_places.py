"""No space, no permission, no home, no shared memory: said in a line, and a rerun goes on."""

import ctypes
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from tests.hard.app import Done, app, check, contents, rows, tables
from tests.hard.images import header
from tests.hard.processes import run, without_pages
from tests.people import Person, network_series, write_dataset

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux"
)
USER = 12345


def succeeds(*words: str) -> bool:
    """Whether a command is there and ends with 0."""
    found = shutil.which(words[0])
    return bool(found) and subprocess.run(words, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own, and a function that changes its size."""
    place = tmp_path / "disk"
    place.mkdir()
    if not succeeds("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)):
        pytest.skip("needs the right to mount")

    def resize(size: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)
        return place

    yield resize
    subprocess.run(["umount", str(place)], check=True)


@needs_root
@pytest.mark.parametrize("size", ["4k", "24k", "44k", "64k", "84k"])
def test_a_full_disk_exits_with_73_and_a_rerun_with_space_completes(
    trio, tmp_path, disk, size, without_pages
):
    output = disk(size) / "out"
    done = app(trio, output, "participant")
    assert done.code == 73 and "No space left on device" in done.err
    assert all(row["status"] == "ok" for row in rows(output).values())
    assert not list(output.rglob(".*.tmp"))
    disk("50m")
    assert app(trio, output, "participant").code == 0
    assert app(trio, tmp_path / "undisturbed", "participant").code == 0
    assert tables(output) == tables(tmp_path / "undisturbed")


def limit_files(size: int) -> None:
    without_pages()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [200, 3000])
def test_files_that_cannot_be_written_in_full_are_not_written_at_all(trio, tmp_path, size):
    output = tmp_path / "out"
    done = run(tmp_path / "log", [trio, output, "participant", "--nprocs", "1"],
               partial(limit_files, size))  # fmt: skip
    assert done.code == 73 and "File too large" in done.err
    assert run(tmp_path / "log", [trio, output, "participant"], without_pages).code == 0
    assert {row["status"] for row in rows(output).values()} == {"ok"}


def limit_memory(more: int) -> None:
    without_pages()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    total = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (total, total))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_session_that_needs_too_much_memory_says_so_and_the_others_go_on(tmp_path, typical):
    people = [
        Person("01", measures=typical, series=network_series(1, 60)),
        Person("02", measures=typical),
    ]
    bids = write_dataset(tmp_path / "bids", people)
    mask = next((bids / "derivatives" / "fmriprep").rglob("*_mask.nii.gz"))
    header("<4h", 40, 3, 1500, 1500, 1000)(mask)
    output = tmp_path / "out"
    done = run(tmp_path / "log", [bids, output, "participant", "--nprocs", "1"],
               partial(limit_memory, 1_500_000_000))  # fmt: skip
    found = rows(output)
    assert done.code == 0
    assert "memory" in found["sub-01"]["status_reason"]
    assert [row["modalities"] for row in found.values()] == ["morphometry", "morphometry"]


@pytest.mark.parametrize("place", ["out", "out/logs", "out/sub-01", "out/work", "out/sub-01.html"])
def test_a_file_in_place_of_a_folder_or_the_reverse_exits_with_73(trio, tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.mkdir()
    else:
        path.write_text("a file")
    done = app(trio, tmp_path / "out", "participant", "--participant-label", "01")
    assert done.code == (0 if path.suffix else 73)  # a page never costs the numbers
    assert place.rpartition("/")[2] in done.err


def test_an_output_that_is_an_input_or_in_a_participants_folder_is_refused(trio):
    before = contents(trio)
    prep = trio / "derivatives" / "fmriprep"
    for output in (trio, prep, trio / "sub-01", prep / "sub-01" / "func" / "out"):
        assert app(trio, output, "participant").code == 73
    assert contents(trio) == before


@pytest.fixture
def open_folder():
    """A folder that any user can reach and write into."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        yield place


def obey_permissions() -> None:
    """Give up root's right to read and write whatever the permissions of a file are."""
    without_pages()
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        version, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        libc.capget(version, sets)
        for kind in (0, 1):  # effective, permitted
            sets[kind] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert libc.capset(version, sets) == 0


@needs_root
def test_an_unknown_user_without_home_and_shared_memory_gets_the_same_numbers(
    trio, tmp_path, open_folder, without_pages
):
    as_user = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
    if not succeeds("unshare", "--mount", *as_user, sys.executable, "-c", "import numpy"):
        pytest.skip("needs a mount namespace, setpriv, and a Python that any user can run")
    bids, output = open_folder / "bids", open_folder / "out"
    shutil.copytree(trio, bids)
    command = (
        "mount -t tmpfs -o size=4k,mode=1777 tmpfs /dev/shm && "
        f"mount --bind {bids} {bids} && mount -o remount,ro,bind {bids} && unset HOME && "
        f"exec {shlex.join(as_user)} {sys.executable} -m bids_brainage {bids} {output} "
        "participant group --nprocs 2"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(["unshare", "--mount", "bash", "-c", command],
                         capture_output=True, text=True, env=environment, cwd="/")  # fmt: skip
    done = Done(ran.returncode, ran.stdout, ran.stderr)
    check(done)
    assert done.code == 0, done
    assert [line.split("WARNING ")[1][:19] for line in done.err.splitlines()] == [
        "one process is used"
    ]
    assert app(trio, tmp_path / "known", "participant", "group").code == 0
    assert tables(output) == tables(tmp_path / "known")


@pytest.fixture
def closed():
    """Set permissions, and open everything again afterwards."""
    done = []

    def close(path: Path, mode: int = 0) -> None:
        done.append(path)
        path.chmod(mode)

    yield close
    for path in done:
        path.chmod(0o755)


@pytest.mark.parametrize("mode", [0o555, 0o000])
@pytest.mark.parametrize("level", ["participant", "group"])
def test_an_output_that_may_not_be_written_exits_with_73(trio, tmp_path, closed, mode, level):
    output = tmp_path / "out"
    assert app(trio, output, "participant", "--stage", "extract").code == 0
    closed(output, mode)
    done = run(tmp_path / "log", [trio, output, level, "--nprocs", "1"], obey_permissions)
    assert done.code == 73 and str(output) in done.err


@needs_root
def test_an_output_on_a_read_only_file_system_exits_with_73(trio, disk, without_pages):
    output = disk("50m") / "out"
    assert app(trio, output, "participant").code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(output.parent)], check=True)
    for level in ("participant", "group"):
        done = app(trio, output, level)
        assert done.code == 73 and "Read-only file system" in done.err


@pytest.mark.parametrize(
    "hidden", ["derivatives/fmriprep/sourcedata/freesurfer/sub-02", "sub-02", "participants.tsv"]
)
def test_input_that_may_not_be_read_costs_what_it_holds(trio, tmp_path, closed, hidden):
    output = tmp_path / "out"
    closed(trio / hidden)
    done = run(tmp_path / "log", [trio, output, "participant", "--nprocs", "1"], obey_permissions)
    found = rows(output)
    assert [found[f"sub-0{n}"]["status"] for n in (1, 3)] == ["ok", "ok"]
    broken = hidden.startswith("derivatives")
    assert done.code == int(broken)
    assert found["sub-02"]["status"] == ("no_input" if broken else "ok")
    if broken:
        assert "permission denied" in found["sub-02"]["status_reason"].lower()
    assert (found["sub-01"]["age"] == "n/a") == (hidden == "participants.tsv")


def test_a_dataset_that_may_not_be_reached_exits_with_66(trio, tmp_path, closed):
    closed(trio)
    words = [trio / "derivatives" / "fmriprep", tmp_path / "out", "participant"]
    done = run(tmp_path / "log", words, obey_permissions)
    assert done.code == 66 and "Permission denied" in done.err

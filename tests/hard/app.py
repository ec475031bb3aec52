"""Run the App in this process and check what must hold after every run, whatever is broken."""

import contextlib
import hashlib
import io
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.cli.app_command import main

SUMMARY = re.compile(r"(\d+) ok, (\d+) failed, (\d+) no_input")
GROUP = re.compile(r"group table of (\d+) sessions \((\d+) not ok\)")
Row = dict[str, str]


@dataclass(frozen=True)
class Done:
    """What a run left on the terminal."""

    code: int
    out: str
    err: str


def app(bids: Path, output: Path, *words: str) -> Done:
    """Run ``bids_brainage``; no traceback, code and summary agree, the input is as before."""
    before = contents(bids)
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    options = () if "--nprocs" in words else ("--nprocs", "1")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(bids), str(output), *words, *options])
    finally:
        signal.signal(signal.SIGTERM, handler)
    done = Done(code, out.getvalue(), err.getvalue())
    check(done)
    assert contents(bids) == before
    return done


def check(done: Done) -> None:
    """Code and last lines say the same, in plain words."""
    said = done.out + done.err
    assert "Traceback" not in said, said
    assert "unexpected" not in done.err, said
    bad = [int(f) + int(n) for _, f, n in SUMMARY.findall(done.out)]
    bad += [int(n) for _, n in GROUP.findall(done.out)]
    if done.code in (0, 1):
        assert bad, said
        assert done.code == int(any(bad)), said
    else:
        assert "error: " in done.err, said


def rows(output: Path) -> dict[str, Row]:
    """Rows of the predictions by participant and session, from their own tables."""
    found = {}
    for path in sorted(output.rglob("sub-*_desc-brainage_predictions.tsv")):
        for row in read_tsv(path):
            session = "" if row["session_id"] == "n/a" else "_" + row["session_id"]
            found[row["participant_id"] + session] = row
    return found


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file; of a link where it points to."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def tables(output: Path) -> dict[str, bytes]:
    """Everything with numbers in an output, by name: tables and nothing that holds a time."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*.tsv"))
        if not path.name.startswith(".")
    }

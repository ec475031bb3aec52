"""Progress is plain text when not a terminal, and live lines on one."""

import sys

from bids_brainage.cli.progress import Progress


def test_plain_lines_without_a_terminal(capsys):
    with Progress() as progress:
        progress.say("hello [x]")
        progress.step("sub-01", "bias correction")
        progress.step("sub-01", "")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hello [x]"
    assert lines[1].split() == ["sub-01", "0", "s", "bias", "correction"]
    assert len(lines) == 2


def test_a_terminal_shows_lines_and_sessions_at_work(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with Progress() as progress:
        progress.step("sub-01", "bias [correction]")
        progress.step("sub-01", "registration")
        progress.say("done [x]")
        progress.step("sub-01", "")
        progress.step("sub-02", "")
    assert "done [x]" in capsys.readouterr().out

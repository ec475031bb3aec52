import os
import pwd
from pathlib import Path

import pytest

from bids_brainage.cli.home import ensure_home


def unknown(uid):
    raise KeyError(uid)


def test_user_id_without_entry_and_without_home_gets_one(monkeypatch):
    monkeypatch.setenv("HOME", "absent")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(RuntimeError):
        Path.home()
    ensure_home()
    assert Path.home() == Path("/")


def test_home_that_is_set_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    ensure_home()
    assert os.environ["HOME"] == str(tmp_path)

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.cli.descriptor import build_descriptor

ROOT = Path(__file__).resolve().parents[2]
BOSH = shutil.which("bosh", path=str(Path(sys.executable).parent))
INVOCATION = {
    "bids_dir": "/data",
    "output_dir_name": "/out",
    "analysis_level": ["participant", "group"],
    "participant_labels": ["01", "02"],
    "task_ids": ["rest"],
    "nprocs": 2,
    "fd_threshold": 0.5,
    "dry_run": True,
}


def test_committed_descriptor_is_what_the_parser_gives():
    committed = json.loads((ROOT / "boutiques.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(build_descriptor())), (
        "run: python -m bids_brainage.cli.descriptor > boutiques.json"
    )


@pytest.mark.skipif(BOSH is None, reason="boutiques is not installed")
def test_descriptor_is_valid_for_boutiques_and_bids_apps():
    done = subprocess.run(
        [BOSH, "validate", "--bids", ROOT / "boutiques.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(BOSH is None, reason="boutiques is not installed")
def test_simulated_command_line_is_read_back_by_our_parser(tmp_path):
    invocation = tmp_path / "invocation.json"
    invocation.write_text(json.dumps(INVOCATION))
    done = subprocess.run(
        [BOSH, "exec", "simulate", ROOT / "boutiques.json", "-i", invocation],
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if "mkdir -p" in line)
    words = shlex.split(line[line.index("bids_brainage ") :])
    config = to_config(build_parser().parse_args(words[1:]))
    assert config.levels == ("participant", "group")
    assert config.participant_labels == ("01", "02")
    assert config.task_ids == ("rest",)
    assert config.nprocs == 2
    assert config.fd_threshold == 0.5
    assert config.dry_run

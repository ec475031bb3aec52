import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
from bids_brainage.cli.shell import run_guarded

def work():
    print("ready", flush=True)
    try:
        time.sleep(60)
    finally:
        time.sleep(0.2)
    return 0

sys.exit(run_guarded("program", work))
"""


@pytest.mark.parametrize("requests", [1, 3])
def test_a_process_asked_to_end_once_or_again_says_so_in_one_line(requests: int) -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        for _ in range(requests):
            child.terminate()
        _, message = child.communicate(timeout=30)
    assert message == "program: interrupted; rerun the same command to go on\n"
    assert child.returncode == 143

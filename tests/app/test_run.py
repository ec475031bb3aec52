"""What an error of the system means for the whole run."""

from pathlib import Path

import pytest

from bids_brainage.app import run as module
from bids_brainage.config import RunConfig
from bids_brainage.errors import OutputError


@pytest.mark.parametrize(
    ("output", "place", "told"),
    [
        ("/out", "/out/logs/x", OutputError),
        (".", "logs/x", OutputError),
        ("/out", "/out2/logs/x", PermissionError),
        ("/out", None, PermissionError),
    ],
)
def test_errors_below_the_output_are_those_of_the_output(monkeypatch, output, place, told):
    def fail(*_):
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr(module, "_run", fail)
    with pytest.raises(told, match="Permission denied"):
        module.run(RunConfig(Path("/data"), Path(output)), str)

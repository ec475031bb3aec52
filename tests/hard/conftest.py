from pathlib import Path

import pytest

from bids_brainage.app import participant
from bids_brainage.models.store import load_model
from tests.people import Person, write_dataset


@pytest.fixture(scope="session")
def typical() -> dict[str, float]:
    """Median measures of the shipped model's training people."""
    return dict(load_model("mavae")[1].inputs["morphometry"].typical)


@pytest.fixture
def without_pages(monkeypatch):
    """Pages are not what is tested, and take longer than all the rest."""
    monkeypatch.setattr(participant, "write_pages", lambda config, participants: None)


@pytest.fixture
def trio(tmp_path, typical) -> Path:
    """Three people of different ages, sexes and brains."""
    return write_dataset(
        tmp_path / "bids",
        [
            Person(f"0{n}", age=str(20 + 10 * n), sex="FMF"[n - 1],
                   measures={name: (1 + 0.02 * n) * value for name, value in typical.items()})
            for n in (1, 2, 3)
        ],
    )  # fmt: skip

"""Fixtures of the whole suite."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data beside the checkout; tests that need it skip where it is absent."""
    if not (SHARED / "README.md").is_file():
        pytest.skip(f"needs the real data in {SHARED.name}/ beside the checkout")
    return SHARED

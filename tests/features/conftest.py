import pytest

from bids_brainage.preprocessing.atlas import load_atlas


@pytest.fixture(scope="session")
def atlas():
    """The packaged atlas; built once, since that takes seconds."""
    return load_atlas()

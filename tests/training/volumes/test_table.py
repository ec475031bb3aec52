import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.training.volumes.table import IMAGES, join
from tests.training.volumes.conftest import invented


def test_people_without_age_or_tissue_are_left_out(tmp_path):
    table = invented(5, IMAGES, "a")
    table.age[0] = np.nan
    table.measures[1, table.names.index("GM")] = np.nan
    table.measures[2, table.names.index("Left-Amygdala")] = np.nan
    assert join([table], tmp_path).participants.tolist() == ["sub-a2", "sub-a3", "sub-a4"]


def test_nobody_is_refused(tmp_path):
    table = invented(2, IMAGES, "a")
    table.age[:] = np.nan
    with pytest.raises(InputError, match="nobody"):
        join([table], tmp_path)


def test_sites_carry_their_dataset():
    assert invented(4, IMAGES, "a", sites=2).sites.tolist() == ["a/s0", "a/s1", "a/s0", "a/s1"]

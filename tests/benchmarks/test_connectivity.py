import numpy as np
import pytest

from benchmarks import connectivity
from benchmarks.generated_run import write_generated_run


@pytest.mark.filterwarnings("ignore")
def test_all_ways_give_the_same_numbers(tmp_path):
    bold = write_generated_run(tmp_path, volumes=24)
    connectivity.prepare(bold, tmp_path, "minimal", None)
    found = {
        name: way(bold, tmp_path, "minimal", None)() for name, way in connectivity.WAYS.items()
    }
    assert found.pop("its reading alone") is None
    for matrix in found.values():
        np.testing.assert_allclose(matrix, found[connectivity.OURS], atol=1e-5)
    assert found[connectivity.OURS].shape == (110, 110)


def test_the_generated_run_has_mask_and_confounds(tmp_path):
    run = connectivity.find_run(write_generated_run(tmp_path, volumes=3))
    assert run.mask.is_file()
    assert run.confounds.is_file()
    assert run.repetition_time == 2.0
    assert run.space == "MNI152NLin6Asym"

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.preprocessing.functional.load import RawSeries
from bids_brainage.preprocessing.functional.pipeline import preprocess_bold
from bids_brainage.preprocessing.functional.rigid import small_motion
from bids_brainage.preprocessing.step_cache import StepCache
from bids_brainage.records.raw import RawBold
from tests.preprocessing.functional import phantom

N_VOLUMES = 40
ENTITIES = (("sub", "01"), ("task", "rest"), ("run", "1"))


@pytest.fixture(scope="session")
def anatomy():
    return phantom.anatomy()


@pytest.fixture(scope="session")
def moves():
    """World of the head to world of the run, per volume: a slow drift and one jerk."""
    drift = np.linspace(0, 1, N_VOLUMES)[:, None] * np.array([0.6, -0.9, 0.5, 0.01, -0.005, 0.012])
    drift[25] += [0.5, 0.3, -0.6, 0.01, 0, 0]
    start = small_motion(np.array([4.0, -3, 6, 0.06, -0.03, 0.05]), np.zeros(3))
    return np.stack([small_motion(step, np.zeros(3)) @ start for step in drift])


@pytest.fixture(scope="session")
def stored(moves):
    """A noisy run whose first two volumes are too bright."""
    random = np.random.default_rng(1)
    data = np.stack([phantom.bold_volume(move) for move in moves], axis=-1)
    data += 4 * random.standard_normal(data.shape, dtype=np.float32)
    data[..., 0] *= 1.3
    data[..., 1] *= 1.12
    return np.rint(data.clip(min=0)).astype(np.int16)


@pytest.fixture(scope="session")
def series(stored):
    return RawSeries(stored, 1.0, 0.0, phantom.BOLD_AFFINE, 2.0)


@pytest.fixture(scope="session")
def run(stored, tmp_path_factory):
    image = nib.Nifti1Image(stored, phantom.BOLD_AFFINE)
    image.header.set_zooms((6, 6, 6, 2))
    image.header.set_xyzt_units("mm", "sec")
    path = tmp_path_factory.mktemp("raw") / "sub-01_task-rest_run-1_bold.nii"
    nib.save(image, path)
    times = (np.arange(phantom.BOLD_SHAPE[2]) % 2 + np.arange(phantom.BOLD_SHAPE[2]) / 100).tolist()
    metadata = {"RepetitionTime": 2.0, "TaskName": "rest", "SliceTiming": times}
    return RawBold(path, ENTITIES, metadata, 2.0)


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return StepCache(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="session")
def result(run, anatomy, work):
    return preprocess_bold(run, anatomy, work)

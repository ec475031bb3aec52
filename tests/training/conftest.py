import numpy as np
import pytest

from bids_brainage.models.cards import edge_names
from bids_brainage.training.tables import TrainingTable
from tests.training.drawn_brains import write_brains

N_REGIONS = 12
VOLUMES = ("lhCortexVol", "rhCortexVol", "Left-Cerebellum-Cortex", "Right-Cerebellum-Cortex",
           "Brain-Stem", "Left-Hippocampus")  # fmt: skip


def make_table(n=160, seed=0, connected=0.6):
    """Random people whose measures follow age and sex; nobody real."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(8, 60, n)
    female = rng.integers(0, 2, n).astype(float)
    thickness = 3.0 - 0.012 * age[:, None] + rng.normal(0, 0.08, (n, 8))
    volume = 1000 * (5 - 0.02 * age[:, None] - 0.5 * female[:, None] + rng.normal(0, 0.2, (n, 6)))
    edges = edge_names(tuple(f"region{i}" for i in range(N_REGIONS)))
    slope = rng.normal(0, 0.006, len(edges))
    connectivity = np.tanh(0.3 + slope * (age[:, None] - 30) + rng.normal(0, 0.08, (n, len(edges))))
    connectivity[rng.random(n) > connected] = np.nan
    connectivity[0, 3] = np.nan
    measures = {"morphometry": np.hstack([thickness, volume]), "connectivity": connectivity}
    site = np.array([f"sample{i % 2}/site{i}" for i in range(8)])[np.arange(n) % 8]
    return TrainingTable(
        participants=np.array([f"sub-{i:03d}" for i in range(n)]),
        datasets=np.array([s.partition("/")[0] for s in site]),
        sites=site,
        age=age,
        female=female,
        measures=measures,
        names={
            "morphometry": (*(f"lh_region{i}_thickness" for i in range(8)), *VOLUMES),
            "connectivity": edges,
        },
        regions=tuple(f"region{i}" for i in range(N_REGIONS)),
        atlas="test",
        denoising="test",
    )


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def array_folder(tmp_path):
    """The system's own files, written from random people."""
    people = make_table(60, connected=1.0)
    folder = tmp_path / "arrays"
    folder.mkdir()
    for prefix in ("", "Test_"):
        np.save(folder / f"{prefix}features1.npy", people.measures["morphometry"])
        np.save(folder / f"{prefix}features2.npy", people.measures["connectivity"])
        np.save(folder / f"{prefix}labels_Age.npy", people.age)
        np.save(folder / f"{prefix}labels_Gender.npy", people.female.astype(int))
    return folder


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """Folder of 16 invented brains, its table, and the people."""
    return write_brains(tmp_path_factory.mktemp("brains"))

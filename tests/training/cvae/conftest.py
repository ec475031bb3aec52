"""Made-up people whose measures follow age and sex."""

import gzip

import numpy as np
import pytest

from bids_brainage.training.cvae.recipe import CvaeRecipe
from bids_brainage.training.tables import TrainingTable

NAMES = (
    "lh_G_front_middle_thickness", "rh_G_front_middle_thickness", "lh_G_precentral_thickness",
    "rh_G_precentral_thickness", "Left-Hippocampus", "Right-Hippocampus",
    "Left-Lateral-Ventricle", "Right-Lateral-Ventricle", "Brain-Stem", "Left-Caudate",
)  # fmt: skip
QUICK = CvaeRecipe(members=2, n_latent=3, hidden=16, epochs=40, batch_size=32,
                   learning_rate=5e-3, draws=40, other_ages=4, other_sexes=2)  # fmt: skip


def make_people(n=240, seed=0):
    """Thickness falls and ventricles grow with age; men's volumes are larger."""
    generator = np.random.default_rng(seed)
    age = generator.uniform(8, 80, n)
    female = (generator.random(n) < 0.5).astype(float)
    z, own = (age - 40) / 20, generator.standard_normal((n, 2))
    thickness = (
        2.5 - 0.25 * z[:, None] + 0.08 * own[:, :1] + 0.06 * generator.standard_normal((n, 4))
    )
    growth = np.array([-0.1, -0.1, 0.35, 0.35, 0.0, -0.08])
    volumes = np.exp(
        np.log([3900, 4000, 9000, 8500, 20000, 3500]) + growth * z[:, None]
        - 0.12 * female[:, None] + 0.05 * own[:, 1:] + 0.08 * generator.standard_normal((n, 6))
    )  # fmt: skip
    sites = np.array([f"one/s{i % 6}" if i % 2 else f"two/s{i % 5}" for i in range(n)])
    measures = np.hstack([thickness, volumes])
    measures[generator.random(measures.shape) < 0.02] = np.nan
    return TrainingTable(
        participants=np.array([f"sub-{i:03d}" for i in range(n)]),
        datasets=np.array([s.partition("/")[0] for s in sites]), sites=sites, age=age,
        female=female, measures={"morphometry": measures, "connectivity": np.full((n, 1), np.nan)},
        names={"morphometry": NAMES, "connectivity": ("a~b",)},
    )  # fmt: skip


@pytest.fixture(scope="session")
def people():
    return make_people()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The same people as a folder that trainings read."""
    folder = tmp_path_factory.mktemp("data")
    table = make_people()
    lines = ["\t".join(("participant_id", "dataset", "site", "age", "sex", "group", *NAMES))]
    for i, row in enumerate(table.measures["morphometry"]):
        cells = ["n/a" if np.isnan(v) else f"{v:.6g}" for v in row]
        sex = "F" if table.female[i] else "M"
        site = table.sites[i].partition("/")[2]
        lines.append("\t".join((table.participants[i], table.datasets[i], site,
                                f"{table.age[i]:.2f}", sex, "control", *cells)))  # fmt: skip
    with gzip.open(folder / "morphometry.tsv.gz", "wt", encoding="utf-8") as handle:
        handle.write("\n".join(lines) + "\n")
    return folder

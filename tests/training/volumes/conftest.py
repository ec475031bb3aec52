import numpy as np
import pytest

from bids_brainage.features.tissue_volumes import volume_names
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.training.volumes.table import IMAGES, MUSE, join, make_table


def invented(n, method, dataset, ages=(20, 50), level=1.0, seed=0, sites=1):
    """Random people whose grey matter shrinks and ventricles grow with age; nobody real."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        age = rng.uniform(*ages)
        head = rng.normal(1.4e6, 1e5)
        regions = {}
        for region in region_table():
            slope = {"GM": -0.004, "WM": 0.001, "CSF": 0.012}[region.tissue]
            size = {"GM": 0.012, "WM": 0.02, "CSF": 0.008}[region.tissue]
            noise = rng.normal(1, 0.03)
            regions[region.name] = level * head * size * np.exp(slope * (age - 40)) * noise
        tissues = {t: sum(v for r, v in zip(region_table(), regions.values(), strict=True)
                          if r.tissue == t) for t in ("GM", "WM", "CSF")}  # fmt: skip
        rows.append({
            "participant_id": f"sub-{dataset}{i}", "age": age, "female": float(i % 2),
            "site": f"s{i % sites}", "volumes": regions | tissues | {"ICV": sum(tissues.values())},
        })  # fmt: skip
    return make_table(rows, dataset, method)


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """Two datasets with images of young people, and older people by DLMUSE at another level."""
    place = tmp_path_factory.mktemp("place")
    tables = [
        invented(30, IMAGES, "one", seed=1),
        invented(6, IMAGES, "two", seed=2),
        invented(40, MUSE, "old", (45, 85), 1.3, seed=3, sites=2),
    ]
    return join(tables, place)


@pytest.fixture(scope="session")
def user_table(tmp_path_factory, table):
    """A user's own table of volumes."""
    people = table.subset(np.flatnonzero(table.methods == IMAGES))
    lines = ["\t".join(["participant_id", "age", "sex", *volume_names()])]
    for i in range(len(people)):
        cells = [str(people.participants[i]), f"{people.age[i]:.2f}", "F" if i % 2 else "M"]
        lines.append("\t".join([*cells, *(f"{v:.1f}" for v in people.measures[i])]))
    path = tmp_path_factory.mktemp("user") / "mine.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path

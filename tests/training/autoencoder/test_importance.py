import csv

import numpy as np
import pytest

from bids_brainage.training.autoencoder.importance import (
    clusters_of,
    rank_correlation,
    shuffled_losses,
    write_importance,
)


@pytest.fixture
def values():
    """Three measures that go together, one against them, and one alone."""
    generator = np.random.default_rng(0)
    base = generator.normal(size=(300, 1))
    together = base + generator.normal(0, 0.1, (300, 3))
    return np.hstack([together, -np.exp(base), generator.normal(size=(300, 1))])


def test_measures_that_go_together_are_one_group(values):
    values[:5, 0] = np.nan
    correlation = rank_correlation(values)
    assert np.diag(correlation) == pytest.approx(np.ones(5))
    assert correlation[0, 3] < -0.9
    assert [group.tolist() for group in clusters_of(correlation)] == [[0, 1, 2, 3], [4]]


def test_a_measure_that_does_not_vary_is_alone(values):
    values[:, 4] = 1.0
    assert [4] in [group.tolist() for group in clusters_of(rank_correlation(values))]
    assert [g.tolist() for g in clusters_of(np.ones((1, 1)))] == [[0]]


def test_shuffling_a_group_costs_what_its_measures_tell_alone_costs_less(values):
    target = values[:, :3].mean(axis=1)

    def loss(x):
        return {"age": float(np.abs(x[:, :3].mean(axis=1) - target).mean())}

    groups = [np.array([0, 1, 2]), np.array([0]), np.array([4])]
    whole, alone, other = shuffled_losses(values, groups, loss, seed=0)["age"]
    assert whole > 2 * alone > 0
    assert other == 0


def test_groups_are_written_by_importance(tmp_path):
    folds = [
        ({"age": np.array([0.1, 1.0]), "sex": np.array([0.2, 0.0])}, 10),
        ({"age": np.array([0.1, 3.0]), "sex": np.array([0.2, 0.1])}, 30),
    ]
    path = tmp_path / "importance.tsv"
    write_importance(path, ["a", "b", "c"], [np.array([0, 1]), np.array([2])], folds)
    with path.open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    first = rows[0]
    assert (first["target"], first["rank"], first["measures"]) == ("age", "1", "c")
    assert float(first["importance"]) == pytest.approx(2.5)
    assert float(first["importance_sd"]) == pytest.approx(np.sqrt(2), abs=1e-4)
    assert first["unit"] == "years of error"
    assert rows[2]["measures"] == "a; b"
    assert rows[2]["unit"] == "AUC"

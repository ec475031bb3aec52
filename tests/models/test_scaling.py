import numpy as np
import pytest
import torch

from bids_brainage.models.scaling import InputConfig, InputTransform

rng = np.random.default_rng(0)


def raw(n=60, p=6):
    return torch.from_numpy(rng.normal(3.0, 0.5, (n, p)))


def test_missing_measures_become_zero_after_scaling():
    transform = InputTransform(InputConfig("plain", 6, 6)).double()
    values = raw()
    transform.fit(values)
    values[0, 2] = torch.nan
    assert transform(values)[0, 2] == 0


def test_outliers_are_clipped():
    transform = InputTransform(InputConfig("plain", 6, 6, clip=4.0)).double()
    values = raw()
    transform.fit(values)
    values[0, 1] = 1e9
    assert transform(values)[0, 1] == 4


def test_the_filter_chooses_the_features():
    transform = InputTransform(InputConfig("plain", 6, 2)).double()
    values = raw()
    transform.fit(values, lambda features: torch.tensor([4, 1]))
    scaled = transform(values)
    assert scaled.shape == (60, 2)
    assert torch.corrcoef(torch.stack([scaled[:, 0], values[:, 4]]))[0, 1] > 0.99


def test_relative_volumes_do_not_depend_on_head_size():
    config = InputConfig("morphometry", 3, 5, volumes=(1, 2), reference=(1,))
    transform = InputTransform(config).double()
    values = torch.tensor([[2.5, 100.0, 10.0], [2.5, 200.0, 20.0]], dtype=torch.float64)
    derived = transform.derive(values)
    assert derived.shape == (2, 5)
    assert torch.allclose(derived[0, 3:], derived[1, 3:])


def test_a_missing_reference_leaves_relative_volumes_missing():
    config = InputConfig("morphometry", 2, 4, volumes=(0, 1), reference=(0,))
    derived = InputTransform(config).double().derive(torch.tensor([[torch.nan, 5.0]]).double())
    assert derived[0, 2:].isnan().all()


def test_connectivity_is_standardised_within_the_person():
    transform = InputTransform(InputConfig("connectivity", 40, 40)).double()
    correlations = torch.from_numpy(rng.uniform(-0.5, 0.9, (3, 40)))
    correlations[1, 5] = torch.nan
    derived = transform.derive(correlations)
    assert torch.allclose(derived.nanmean(dim=1), torch.zeros(3).double(), atol=1e-9)
    assert derived[1, 5].isnan()


def test_a_correlation_of_one_stays_finite():
    transform = InputTransform(InputConfig("connectivity", 3, 3)).double()
    assert transform.derive(torch.tensor([[1.0, 0.2, -1.0]]).double()).isfinite().all()


def test_components_rebuild_the_training_spread():
    config = InputConfig("connectivity", 45, 8, n_components=10)
    transform = InputTransform(config).double()
    correlations = torch.from_numpy(rng.uniform(-0.5, 0.9, (30, 45)))
    transform.fit(correlations, lambda features: torch.arange(8))
    scores = transform(correlations)
    assert scores.shape == (30, 8)
    assert scores.isfinite().all()
    missing = torch.full((1, 45), torch.nan, dtype=torch.float64)
    assert (transform(missing) == 0).all()


def test_measures_beyond_the_training_range_are_counted():
    transform = InputTransform(InputConfig("plain", 6, 6)).double()
    values = raw(200)
    transform.fit_limits(values)
    person = values[:1].clone()
    person[0, 0], person[0, 1] = 1e6, torch.nan
    beyond, present = transform.beyond(person)
    assert beyond.item() == 1
    assert present.item() == 5
    assert transform.beyond(values)[0].sum() == 0


@pytest.mark.parametrize(("kind", "n"), [("plain", 4), ("morphometry", 6)])
def test_candidates_count_derived_features(kind, n):
    assert InputConfig(kind, 4, 2, volumes=(0, 1), reference=(0,)).n_candidates == n

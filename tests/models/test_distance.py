import torch

from bids_brainage.models.distance import MIN_PEOPLE, N_SHARES, Distance


def people(n, seed=0, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
    return spread * torch.randn(n, 3, generator=generator, dtype=torch.float64) @ mixing


def fitted(n=2000):
    distance = Distance(3).double()
    distance.fit(people(n))
    distance.set_quantiles(distance.distance(people(n, seed=1)))
    return distance


def test_percentiles_of_people_like_the_training_people_are_uniform():
    found = fitted().percentile(people(2000, seed=2))
    shares = torch.quantile(found, torch.tensor([0.1, 0.5, 0.9], dtype=found.dtype))
    assert torch.allclose(shares, torch.tensor([10.0, 50.0, 90.0], dtype=found.dtype), atol=3)


def test_what_breaks_a_correlation_is_unusual():
    usual, broken = torch.tensor([[1.5, 1.35, 0.0], [1.5, -1.35, 0.0]], dtype=torch.float64)
    low, high = fitted().percentile(torch.stack([usual, broken])).tolist()
    assert low < 80 and high > 99


def test_the_most_unusual_is_at_100():
    assert fitted().percentile(people(5, spread=50.0)).tolist() == [100.0] * 5


def test_distance_of_the_mean_is_0_and_grows():
    distance = fitted()
    steps = distance.mean + torch.arange(4)[:, None] * torch.ones(3)
    found = distance.distance(steps)
    assert found[0] == 0 and bool((found.diff() > 0).all())


def test_without_people_it_does_not_know():
    distance = Distance(3).double()
    distance.fit(people(MIN_PEOPLE - 1))
    distance.set_quantiles(torch.zeros(MIN_PEOPLE - 1, dtype=torch.float64))
    assert bool(distance.percentile(people(4)).isnan().all())
    assert distance.quantiles.shape == (N_SHARES,)


def test_covariance_is_shrunk_where_people_are_fewer_than_features():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(30, 60, generator=generator, dtype=torch.float64)
    distance = Distance(60).double()
    distance.fit(features)
    new = torch.randn(30, 60, generator=generator, dtype=torch.float64)
    ratio = distance.distance(new).mean() / distance.distance(features).mean()
    assert 0.8 < float(ratio) < 1.5


def test_a_checked_number_out_of_range_is_at_100():
    distance = Distance(3, 1).double()
    everyone = people(2000)
    distance.fit(everyone)
    distance.fit_limits(everyone[:, :1])
    distance.set_quantiles(distance.distance(people(2000, seed=1)))
    usual = people(2, seed=2)
    checked = torch.tensor([[0.0], [50.0]], dtype=torch.float64)
    low, high = distance.percentile(usual, checked).tolist()
    assert low < 100 and high == 100

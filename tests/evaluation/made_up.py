"""People with predictions, for tests."""

import numpy as np

from bids_brainage.evaluation.scores import People, decades


def make_people(n=60, *, sessions=1, error=5.0, seed=0, **others):
    """`n` participants of 10 to 70 years in two sites, women first."""
    rng = np.random.default_rng(seed)
    person = np.repeat([f"sub-{i:03d}" for i in range(n)], sessions)
    first = np.repeat(np.linspace(10, 69, n), sessions)
    visit = np.tile(np.arange(sessions), n)
    age = first + visit
    own = np.repeat(rng.normal(0, error, n), sessions)
    female = (np.repeat(np.arange(n), sessions) < n / 2).astype(float)
    missing = np.full(len(age), np.nan)
    known = {
        "age": age,
        "predicted": age + own + rng.normal(0, error / 5, len(age)),
        "person": person,
        "key": np.array([f"{p}/{v}" for p, v in zip(person, visit, strict=True)]),
        "order": np.argsort(age, kind="stable"),
        "cluster": person,
        "lower": missing,
        "upper": missing,
        "female": female,
        "probability": 1 / (1 + np.exp(-(2 * female - 1 + rng.normal(0, 1, len(age))))),
        "head": missing,
        "groups": {"decade": decades(age), "site": np.where(first % 2 < 1, "north", "south")},
    }
    return People(**(known | others))

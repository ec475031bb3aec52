import numpy as np
import pytest
import torch

from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MavaeConfig
from bids_brainage.models.scaling import InputConfig


def small_config(members=2):
    return MavaeConfig(
        morphometry=InputConfig("plain", 5, 5),
        connectivity=InputConfig("connectivity", 10, 6, n_components=6),
        members=members,
        hidden_morphometry=(8,),
        hidden_connectivity=(8,),
        n_shared=3,
        n_unique=3,
        hidden_head=(8,),
        hidden_discriminator=(8,),
    )


@pytest.fixture
def inputs():
    rng = np.random.default_rng(1)
    measures = {
        "morphometry": rng.normal(size=(12, 5)),
        "connectivity": rng.uniform(-0.4, 0.8, (12, 10)),
    }
    measures["morphometry"][3] = np.nan
    measures["connectivity"][4] = np.nan
    measures["connectivity"][5, 2] = np.nan
    return {name: torch.from_numpy(values) for name, values in measures.items()}


@pytest.fixture
def module(inputs):
    module = Mavae(small_config(), seed=3).double().eval()
    for name, values in inputs.items():
        known = values[~values.isnan().all(dim=1)]
        module.transforms[name].fit(known)
        module.transforms[name].fit_limits(known)
    module.age_mean.fill_(3.0)
    module.age_scale.fill_(0.4)
    return module

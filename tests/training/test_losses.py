import pytest
import torch

from bids_brainage.models.mavae_core import MavaeConfig, MavaeCore
from bids_brainage.models.scaling import InputConfig
from bids_brainage.training.losses import Batch, discriminator_loss, encode, model_loss
from bids_brainage.training.recipe import Recipe

RECIPE = Recipe(noise_morphometry=0.0, noise_connectivity=0.0, dropout=0.0, dropout_head=0.0)


@pytest.fixture
def core():
    config = MavaeConfig(
        morphometry=InputConfig("plain", 5, 5),
        connectivity=InputConfig("plain", 4, 4),
        hidden_morphometry=(6,),
        hidden_connectivity=(6,),
        n_shared=2,
        n_unique=2,
    )
    return MavaeCore(config).eval()


def make_batch(n=6, connected=4, **changes):
    generator = torch.Generator().manual_seed(0)
    values = {
        "morphometry": torch.randn(1, n, 5, generator=generator),
        "connectivity": torch.randn(1, connected, 4, generator=generator),
        "age": torch.randn(1, n, generator=generator),
        "female": torch.tensor([[0.0, 1, 0, 1, 1, torch.nan]])[:, :n],
        "has_morphometry": torch.ones(1, n),
        "weight_single": torch.ones(1, 1),
        "age_weight": torch.ones(1, n),
        "site": torch.zeros(1, n, dtype=torch.long),
    }
    return Batch(**(values | changes))


def loss_of(core, batch, recipe=RECIPE, warm=1.0):
    torch.manual_seed(0)
    codes = encode(core, batch, recipe)
    return model_loss(core, codes, batch, recipe, warm, None)


def test_losses_but_age_are_warmed_up(core):
    batch = make_batch()
    only_age = RECIPE.changed(
        predict_sex=False, lambda_reconstruction=0.0, lambda_kl=0.0, adversarial=False
    )
    cold = loss_of(core, batch, warm=0.0)
    assert torch.allclose(cold, loss_of(core, batch, only_age))
    assert loss_of(core, batch) > cold


def test_an_unknown_sex_does_not_count(core):
    batch = make_batch()
    known = make_batch(female=torch.tensor([[0.0, 1, 0, 1, 1, 1]]))
    assert loss_of(core, batch).isfinite()
    assert loss_of(core, known) > loss_of(core, batch)


def test_missing_morphometry_is_not_learned_from(core):
    recipe = RECIPE.changed(variational=False, adversarial=False)
    absent = torch.tensor([[1.0, 1, 1, 1, 1, 0]])
    one, two = (
        make_batch(has_morphometry=absent, morphometry=make_batch().morphometry.clone())
        for _ in range(2)
    )
    two.morphometry[0, 5] = 100.0
    assert torch.allclose(loss_of(core, one, recipe), loss_of(core, two, recipe))


def test_only_the_discriminator_learns_from_its_loss(core):
    batch = make_batch()
    discriminator_loss(core, encode(core, batch, RECIPE), batch).backward()
    assert all(p.grad is not None for p in core.discriminator.parameters())
    assert all(p.grad is None for p in core.encoders.parameters())


def test_a_batch_without_connectivity_has_a_loss(core):
    assert loss_of(core, make_batch(connected=0)).isfinite()


def test_not_variational_means_no_sampling(core):
    codes = encode(core, make_batch(), RECIPE.changed(variational=False))
    assert torch.equal(codes.sample[0], codes.mean[0])

import numpy as np
import pytest
import torch

from bids_brainage.training.ensemble import make_job
from bids_brainage.training.fit import Trainer, one_cycle
from bids_brainage.training.prepare import features_of, fit_transforms, model_config
from bids_brainage.training.recipe import quick

RECIPE = quick().changed(epochs=4, batch_size=32, check_every=5)


def make_trainer(table, recipe=RECIPE):
    everyone = np.ones(len(table), bool)
    config = model_config(table, recipe, 50)
    features = features_of(table, fit_transforms(table, everyone, config, recipe))
    return Trainer(make_job(table, [everyone], recipe, [features]), config, recipe)


def state(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.core.parameters()])


def test_training_is_fixed_by_its_seed(table):
    first, second = make_trainer(table), make_trainer(table)
    first.run()
    torch.rand(5)
    second.run()
    assert torch.equal(state(first), state(second))


def test_a_resumed_training_ends_as_an_uninterrupted_one(table, tmp_path, monkeypatch):
    monkeypatch.setattr("bids_brainage.training.fit.CHECKPOINT_EVERY", 3)
    whole = make_trainer(table)
    whole.run()
    broken = make_trainer(table)
    step = broken._step

    def stop_at_five(number):
        if number == 5:
            raise KeyboardInterrupt
        step(number)

    monkeypatch.setattr(broken, "_step", stop_at_five)
    with pytest.raises(KeyboardInterrupt):
        broken.run(tmp_path, key="run")
    resumed = make_trainer(table)
    resumed.run(tmp_path, resume=True, key="run")
    assert torch.allclose(state(whole), state(resumed), atol=1e-6)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_run_is_not_used(table, tmp_path):
    trainer = make_trainer(table)
    trainer._save(tmp_path, "one run", 3)
    assert make_trainer(table)._restore(tmp_path, "another run") == 0
    assert make_trainer(table)._restore(tmp_path, "one run") == 3


def test_training_stops_when_left_out_people_gain_nothing(table, monkeypatch):
    trainer = make_trainer(table, RECIPE.changed(epochs=500, check_every=1, patience=2))
    scores = iter([0.5, 0.6, 0.7, 0.4])
    monkeypatch.setattr(trainer, "_left_out_error", lambda: next(scores))
    trainer.run()
    assert next(scores) == 0.4


def test_the_learning_rate_rises_and_falls():
    factors = [one_cycle(share) for share in (0.0, 0.15, 0.5, 0.99)]
    assert factors[0] < factors[1] == pytest.approx(1)
    assert factors[1] > factors[2] > factors[3] > 0


@pytest.mark.parametrize(
    "options",
    [{"adversarial": False}, {"variational": False}, {"predict_sex": False},
     {"lambda_site": 0.0}, {"lambda_reconstruction": 0.0}],
)  # fmt: skip
def test_every_ablation_trains(table, options):
    trainer = make_trainer(table, RECIPE.changed(epochs=1, **options))
    before = state(trainer).clone()
    trainer.run()
    assert state(trainer).isfinite().all()
    assert not torch.equal(before, state(trainer))


def test_without_an_adversary_the_discriminator_stays(table):
    trainer = make_trainer(table, RECIPE.changed(epochs=1, adversarial=False))
    before = [p.clone() for p in trainer.core.discriminator.parameters()]
    trainer.run()
    after = trainer.core.discriminator.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))

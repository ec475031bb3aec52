import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError
from bids_brainage.models.cvae_person import attribute, curves, traverse
from bids_brainage.training.checkpoints import load_checkpoint
from bids_brainage.training.cvae import fit
from bids_brainage.training.cvae.fit import EPOCH_COLUMNS, train_cvae
from bids_brainage.training.cvae.gaussian import invert_gaussian
from bids_brainage.training.cvae.people import deviations, told_ages
from tests.training.cvae.conftest import NAMES, QUICK

EVERYONE = np.arange(180)
OTHERS = np.arange(180, 240)


@pytest.fixture(scope="module")
def course(people):
    return train_cvae(people, EVERYONE, QUICK, watched=OTHERS)


@pytest.fixture(scope="module")
def model(course):
    return course.model.double().requires_grad_(False)


def test_inversion_tells_age_and_sex_of_people_it_has_not_seen(people, model):
    told = told_ages(model, people, OTHERS)
    age = people.age[OTHERS]
    error = np.abs(np.exp(told.log_age) - age).mean()
    assert error < 0.6 * np.abs(age - np.median(people.age[EVERYONE])).mean()
    assert ((told.logit > 0) == people.female[OTHERS]).mean() > 0.65
    assert np.corrcoef(told.likeliest, told.log_age)[0, 1] > 0.8


def test_the_loss_falls_and_so_does_that_of_people_left_out(course):
    first, last = course.rows[0], course.rows[-1]
    for column in ("training_loss", "contrast_loss", "validation_loss"):
        place = EPOCH_COLUMNS.index(column)
        assert float(last[place]) < float(first[place])


def test_curves_follow_the_people(people, model):
    ages = torch.tensor([20.0, 70.0], dtype=torch.float64)
    expected, spread = curves(model, 1.0, ages)
    thick, ventricle = NAMES.index("lh_G_front_middle_thickness"), 6
    values = model.measures(expected)
    assert values[0, thick] > values[1, thick] + 0.3
    assert values[1, ventricle] > 1.4 * values[0, ventricle]
    assert (spread > 0).all()
    apart = deviations(model, people, OTHERS)
    assert 0.6 < np.nanstd(apart) < 1.5


def test_a_traversal_goes_through_the_persons_own_measures(people, model):
    row = OTHERS[3]
    raw = torch.from_numpy(people.measures["morphometry"][row]).clone()
    raw[8] = torch.nan
    ages = torch.tensor([10.0, people.age[row], 75.0], dtype=torch.float64)
    found = traverse(model, raw, people.age[row], people.female[row], ages)
    known = ~raw.isnan()
    assert torch.allclose(found.keeping_residual[1][known], raw[known])
    assert found.keeping_residual[:, 8].isnan().all()
    assert found.deviation[8].isnan()
    assert found.most_likely[0, 0] > found.most_likely[2, 0]
    assert torch.allclose(found.own_expected, found.expected[1])
    assert found.likelihood[1] > found.likelihood[[0, 2]].min()


def test_a_measure_far_from_anybodys_deviates_as_far_as_it_lies(people, model):
    raw = torch.from_numpy(people.measures["morphometry"][OTHERS[3]]).clone()
    ages = torch.tensor([40.0], dtype=torch.float64)
    raw[0] = 0.3
    found = traverse(model, raw, 40.0, 1.0, ages)
    raw[0] = 0.1
    further = traverse(model, raw, 40.0, 1.0, ages)
    assert further.deviation[0] < found.deviation[0] - 0.5 < -5
    assert torch.equal(found.most_likely, further.most_likely)


def test_without_age_and_sex_the_inverted_ones_are_used(people, model):
    raw = torch.from_numpy(people.measures["morphometry"][OTHERS[5]])
    ages = torch.tensor([20.0, 60.0], dtype=torch.float64)
    found = traverse(model, raw, float("nan"), float("nan"), ages)
    assert not found.age_known
    assert not found.sex_known
    assert found.own_age == found.inverted_age
    assert found.female in (0.0, 1.0)


def test_contributions_add_up_to_the_inverted_age(people, model):
    raw = torch.from_numpy(people.measures["morphometry"][OTHERS[0]]).clone()
    raw[4] = torch.nan
    found = attribute(model, None, {"morphometry": raw})
    assert abs(found.residual) < 0.1
    assert found.years["morphometry"][4] == 0
    age, _ = model({"morphometry": raw[None]})
    assert found.predicted == pytest.approx(float(age))


def test_ages_do_not_depend_on_company(people, model):
    raw = torch.from_numpy(people.measures["morphometry"][OTHERS])
    alone = torch.cat([model({"morphometry": row[None]})[0] for row in raw[:5]])
    assert torch.allclose(alone, model({"morphometry": raw})[0][:5], atol=1e-9)
    assert model({"morphometry": raw[:1] * torch.nan})[0].isnan().all()


def test_a_plain_gaussian_tells_age_too(people):
    log_age, logit = invert_gaussian(people, EVERYONE, OTHERS)
    age = people.age[OTHERS]
    assert np.abs(np.exp(log_age) - age).mean() < np.abs(age - np.median(age)).mean()
    assert ((logit > 0) == people.female[OTHERS]).mean() > 0.6


def test_a_training_that_was_killed_goes_on_to_the_same_weights(people, tmp_path, monkeypatch):
    recipe = QUICK.changed(epochs=10)
    whole = train_cvae(people, EVERYONE, recipe)

    class Killed(Exception):
        pass

    def stop(*_):
        raise Killed

    with pytest.raises(Killed):
        train_cvae(people, EVERYONE, recipe, folder=tmp_path, progress=_after(4, stop))
    assert any(tmp_path.iterdir())
    used = []
    monkeypatch.setattr(
        fit, "load_checkpoint", lambda *a: used.append(found := load_checkpoint(*a)) or found
    )
    again = train_cvae(people, EVERYONE, recipe, folder=tmp_path, resume=True)
    assert used[0]["step"] >= 3
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    assert again.rows == whole.rows


def _after(times, work):
    count = iter(range(times - 1))

    def progress(text):
        if next(count, None) is None:
            work(text)

    return progress


def test_too_few_people_are_refused(people):
    with pytest.raises(InputError, match="5 people"):
        train_cvae(people, EVERYONE[:5], QUICK)


def test_a_loss_that_is_not_finite_is_told(people):
    recipe = QUICK.changed(learning_rate=4e9, epochs=3)
    with pytest.raises(InputError, match="the loss is"):
        train_cvae(people, EVERYONE, recipe)

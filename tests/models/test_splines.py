import numpy as np
import torch
from scipy.interpolate import BSpline

from bids_brainage.models.splines import DEGREE, AgeSplines


def test_splines_are_those_of_scipy_and_add_up_to_one():
    splines = AgeSplines()
    ages = torch.tensor([4.5, 9.0, 17.3, 40.0, 89.0], dtype=torch.float64)
    values = splines(ages)
    assert torch.allclose(values.sum(dim=-1), torch.ones(5, dtype=torch.float64))
    knots = splines.knots.double().numpy()
    wanted = [BSpline(knots, np.eye(splines.n)[i], DEGREE)(ages.log()) for i in range(splines.n)]
    assert np.allclose(values.numpy(), np.array(wanted).T, atol=1e-6)


def test_ages_outside_the_knots_are_those_of_the_ends():
    splines = AgeSplines((10.0, 20.0, 40.0)).double()
    outside = splines(torch.tensor([1.0, 90.0], dtype=torch.float64))
    inside = splines(torch.tensor([10.0, 40.0], dtype=torch.float64))
    assert torch.allclose(outside, inside, atol=1e-2)

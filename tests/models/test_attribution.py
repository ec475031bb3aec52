import pytest
import torch

from bids_brainage.models.attribution import mean_gradients, secant


def point(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_gradients_of_a_line_are_its_weights():
    weight = point(2.0, -3.0, 0.5)
    found = mean_gradients(
        lambda at: at["x"] @ weight, {"x": point(1, 2, 3)}, {"x": point(4, 0, 9)}
    )
    assert torch.allclose(found["x"], weight)


def test_contributions_add_up_to_the_difference_of_any_smooth_function():
    def bent(at):
        return torch.exp(at["x"][:, 0] * 0.3) * at["y"][:, 0] + torch.sigmoid(at["x"][:, 1])

    start = {"x": point(0.1, -2.0), "y": point(1.0)}
    end = {"x": point(3.0, 2.0), "y": point(-4.0)}
    slopes = mean_gradients(bent, start, end)
    total = sum(float(((end[n] - start[n]) * slopes[n]).sum()) for n in start)
    ends = [bent({n: p[n][None] for n in p}).item() for p in (start, end)]
    assert total == pytest.approx(ends[1] - ends[0], abs=1e-9)


def test_it_works_inside_inference_mode():
    with torch.inference_mode():
        found = mean_gradients(lambda at: at["x"].square().sum(1), {"x": point(0)}, {"x": point(2)})
    assert found["x"].item() == pytest.approx(2)


def test_the_share_that_clipping_left():
    assert secant(point(4.0, 0.0, -8.0), point(4.0, 0.0, -2.0)).tolist() == [1.0, 1.0, 0.25]

import io

import numpy as np
import pytest
from PIL import Image

from bids_brainage.report.canvas import PICTURE_BYTES
from bids_brainage.report.generative.people import (
    MOST_BARS,
    Bar,
    Components,
    components,
    importance,
)
from tests.report.generative.test_losses import words


@pytest.fixture
def everyone():
    generator = np.random.default_rng(0)
    n = 2614
    found = {name: Components(generator.normal(size=(n, 2)), (0.31, 0.09))
             for name in ("initial", "latent")}  # fmt: skip
    return found, generator.choice(["F", "M", "n/a"], n), generator.uniform(5, 84, n)


def test_thousands_of_people_give_a_small_picture_of_the_same_bytes(everyone):
    picture = components(*everyone)
    assert picture == components(*everyone)
    assert len(picture) < PICTURE_BYTES
    assert Image.open(io.BytesIO(picture)).size > (1000, 900)


def test_unknown_ages_and_sexes_and_one_set_of_features_are_drawn(everyone):
    found, _, _ = everyone
    few = {"initial": Components(found["initial"].points[:3], (0.5, 0.2))}
    nobody = components(few, ["n/a"] * 3, np.full(3, np.nan))
    assert nobody.startswith(b"\x89PNG")
    assert nobody != components(few, ["F", "M", "F"], np.array([31.0, np.nan, 31.0]))


def bars(n):
    return [Bar(("lh_S_central_thickness", "other")[: 1 + i % 2], 1 / (i + 1), 0.1)
            for i in range(n)]  # fmt: skip


def test_importance_tells_what_is_lost_and_how_many_measures_go_along():
    targets = {"age": ("years of error", bars(3)), "sex": ("AUC", bars(MOST_BARS + 5))}
    told = words(importance(targets))
    assert {"Age", "Sex", "AUC less where these are shuffled"} <= set(told)
    assert sum("entral" in word for word in told) == 3 + MOST_BARS
    assert sum(word.endswith("+1") for word in told) == 1 + MOST_BARS // 2


def test_a_pair_of_both_sides_has_one_name():
    pair = [Bar((f"{one}-Hippocampus", f"{other}-Hippocampus"), 0.2, 0.0)
            for one, other in (("Left", "Right"), ("Right", "Left"))]  # fmt: skip
    told = words(importance({"sex": ("AUC", [*pair, Bar(("Left-Putamen", "other"), 0.1, 0)])}))
    assert told.count("Hippocampus, both sides") == 2
    assert "Left putamen +1" in told


def test_measures_that_go_along_with_head_size_have_its_name():
    names = ("Left-Putamen", "Brain-Stem", "EstimatedTotalIntraCranialVol")
    assert "Intracranial volume +2" in words(importance({"sex": ("AUC", [Bar(names, 0.1, 0)])}))


def test_importance_of_one_target_and_negative_values_are_drawn():
    told = words(importance({"age": ("years of error", [Bar(("x" * 90,), -0.2, 0.0)])}))
    assert any(word.startswith("Xxx") and len(word) < 40 for word in told)

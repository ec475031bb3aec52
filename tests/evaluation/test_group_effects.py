import numpy as np
import pytest

from bids_brainage.evaluation.covariates import Covariate
from bids_brainage.evaluation.group_effects import compare_gap, reference_level

N = 120


@pytest.fixture
def people():
    """Patients three years older and 0.3 years of gap per year of age."""
    rng = np.random.default_rng(0)
    patient = np.arange(N) % 3 == 0
    age = rng.uniform(20, 60, N) + 5 * patient
    sex = np.where(rng.random(N) < 0.5, "F", "M")
    gap = 3.0 * patient - 0.3 * (age - 40) + rng.normal(scale=2, size=N)
    return gap, age, np.where(patient, "patient", "control"), sex


def covariates(age, sex):
    return [Covariate("age", tuple(map(str, age))), Covariate("sex", tuple(sex), categories=True)]


def test_the_difference_between_groups_is_found_at_equal_age(people):
    gap, age, group, sex = people
    found = compare_gap("m", "group", gap, age, group, covariates(age, sex))
    (contrast,) = found.contrasts
    assert (contrast.level, contrast.reference) == ("patient", "control")
    assert (contrast.n, contrast.n_reference) == (40, 80)
    assert contrast.lower < 3 < contrast.upper
    assert contrast.estimate == pytest.approx(3, abs=0.8)
    assert contrast.effect == pytest.approx(1.5, abs=0.4)
    assert contrast.effect_lower < contrast.effect < contrast.effect_upper
    assert contrast.p < 1e-6
    control, patient = found.levels
    assert patient.adjusted - control.adjusted == pytest.approx(contrast.estimate)
    means = [found.values[found.labels == name].mean() for name in ("control", "patient")]
    assert means == pytest.approx([control.adjusted, patient.adjusted])


def test_a_number_gives_a_slope_in_its_own_unit(people):
    gap, age, _, sex = people
    score = np.random.default_rng(1).normal(1000, 50, N)
    found = compare_gap("m", "score", gap + 0.02 * score, age, list(map(str, score)),
                        covariates(age, sex))  # fmt: skip
    (contrast,) = found.contrasts
    assert found.kind == "slope"
    assert contrast.lower < 0.02 < contrast.upper
    assert 0 < contrast.effect_lower < contrast.effect < contrast.effect_upper < 1


def test_standard_errors_are_hc3():
    rng = np.random.default_rng(2)
    x = np.repeat([0.0, 1.0], [30, 15])
    gap = rng.normal(scale=1 + 3 * x)
    cells = np.where(x > 0, "b", "a")
    found = compare_gap("m", "g", gap, np.full(45, 30.0), cells, [])
    design = np.column_stack([x, np.ones(45)])
    inverse = np.linalg.inv(design.T @ design)
    residual = gap - design @ inverse @ design.T @ gap
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    meat = design.T @ (design * ((residual / (1 - leverage)) ** 2)[:, None])
    error = np.sqrt((inverse @ meat @ inverse)[0, 0])
    (contrast,) = found.contrasts
    assert (contrast.upper - contrast.lower) / 2 / error == pytest.approx(2.0167, abs=1e-3)


def test_people_with_missing_cells_are_left_out_and_counted(people):
    gap, age, group, sex = people
    group, sex = group.copy(), sex.copy()
    group[:4], sex[4:6] = "n/a", ""
    gap[6] = np.nan
    found = compare_gap("m", "group", gap, age, group, covariates(age, sex))
    assert (found.n, found.n_left_out) == (113, 6)
    assert found.notes == ("4 without group", "2 without sex")


def test_groups_of_one_are_left_out(people):
    gap, age, group, sex = people
    group = group.astype(object)
    group[5] = "odd"
    found = compare_gap("m", "group", gap, age, group, covariates(age, sex))
    assert found.n == 119
    assert "groups of fewer than 5 people: odd (1)" in found.notes


def test_a_person_alone_at_a_site_is_left_out(people):
    gap, age, group, sex = people
    site = Covariate("site", tuple(["x"] * 60 + ["y"] * 59 + ["z"]), categories=True)
    found = compare_gap("m", "group", gap, age, group, [*covariates(age, sex), site])
    assert found.n == 119 and "1 alone in their site" in found.notes


def test_a_constant_covariate_is_dropped_and_told(people):
    gap, age, group, sex = people
    found = compare_gap("m", "group", gap, age, group,
                        [*covariates(age, sex), Covariate("scanner", ("A",) * N),
                         Covariate("dose", ("1",) * N)])  # fmt: skip
    assert found.covariates == ("age", "sex")
    assert "dose is the same for everyone and not in the model" in found.notes


def test_what_cannot_be_compared_says_why(people):
    gap, age, group, sex = people
    control = compare_gap("m", "g", gap, age, ["a"] * N, [])
    assert control.problem == "everyone has a"
    tiny = compare_gap("m", "g", gap, age, ["a"] * (N - 4) + ["b"] * 4, [])
    assert tiny.problem == "fewer than two groups of at least 5 people"
    many = compare_gap("m", "g", gap, age, [f"c{i % 15}" for i in range(N)], [])
    assert many.problem == "15 groups; at most 10 are compared"
    same = compare_gap("m", "g", gap, age, group, [Covariate("other", tuple(group))])
    assert same.problem == "g cannot be told apart from the covariates"
    cells = ["a"] * 6 + ["b"] * 6
    few = compare_gap("m", "g", gap[:12], age[:12], cells, covariates(age[:12], sex[:12]))
    assert "too few" in few.problem
    nobody = compare_gap("m", "g", np.full(N, np.nan), age, group, covariates(age, sex))
    assert nobody.problem


def test_three_groups_have_a_joint_test(people):
    gap, age, _, sex = people
    cells = np.array(["a", "b", "c"])[np.arange(N) % 3]
    found = compare_gap("m", "g", gap, age, cells, covariates(age, sex))
    assert len(found.contrasts) == 2 and found.joint_p < 1e-4


def test_controls_are_the_reference_by_name_else_the_largest_group():
    assert reference_level(["Healthy_Control", "depr"], [3, 40]) == "Healthy_Control"
    assert reference_level(["HC", "MCI"], [3, 40]) == "HC"
    assert reference_level(["A", "B"], [3, 40]) == "B"


def test_a_column_that_the_gap_is_made_of_is_not_compared(people):
    gap, age, _, sex = people
    for cells in (gap, np.round(age + gap, 4)):
        found = compare_gap("m", "x", gap, age, list(map(str, cells)), covariates(age, sex))
        assert found.problem == "x and the covariates tell the gap exactly"
        assert not found.contrasts

import pytest

from bids_brainage.app.headline import NOT_JOINT, fuse

MORPHOMETRY = {
    "model": "a", "status": "ok", "modalities": "morphometry", "predicted_age": 30.0,
    "predicted_age_lower": 25.0, "predicted_age_upper": 35.0, "brain_age_gap": 2.0,
    "probability_female": 0.7, "predicted_sex": "F", "within_age_range": True,
    "out_of_distribution": False, "warnings": "x",
}  # fmt: skip
VOLUMES = MORPHOMETRY | {
    "model": "b", "modalities": "volumes", "predicted_age": 50.0, "predicted_age_lower": 40.0,
    "predicted_age_upper": 60.0, "brain_age_gap": 22.0, "warnings": "x; y",
    "within_age_range": False,
}  # fmt: skip


def test_one_model_speaks_for_itself():
    assert fuse([MORPHOMETRY]) == MORPHOMETRY | {"model": "fusion"}


def test_models_are_weighed_by_the_inverse_variance_of_their_errors():
    row = fuse([MORPHOMETRY, VOLUMES])
    assert row["predicted_age"] == pytest.approx(0.8 * 30 + 0.2 * 50)
    assert row["predicted_age_lower"] == pytest.approx(0.8 * 25 + 0.2 * 40)
    assert row["brain_age_gap"] == pytest.approx(0.8 * 2 + 0.2 * 22)
    assert row["contributions"] == "a 80%; b 20%"
    assert row["modalities"] == "morphometry+volumes"


def test_a_combination_says_that_it_was_not_validated_and_keeps_all_warnings():
    row = fuse([MORPHOMETRY, VOLUMES])
    assert row["warnings"] == f"{NOT_JOINT}; x; y"
    assert row["within_age_range"] is False


def test_a_combination_is_to_be_checked_where_any_of_its_models_is():
    checked = VOLUMES | {"quality": "check", "quality_reasons": "cut", "status_reason": "no BOLD"}
    row = fuse([MORPHOMETRY | {"quality": "good", "quality_reasons": ""}, checked])
    assert (row["quality"], row["quality_reasons"]) == ("check", "cut")
    assert row["status_reason"] == "no BOLD"


def test_order_of_the_models_does_not_matter():
    one, other = fuse([MORPHOMETRY, VOLUMES]), fuse([VOLUMES, MORPHOMETRY])
    assert one["predicted_age"] == pytest.approx(other["predicted_age"])


def test_a_model_whose_inputs_another_covers_adds_nothing():
    both = MORPHOMETRY | {"model": "c", "modalities": "morphometry+connectivity"}
    assert fuse([MORPHOMETRY, both]) == both | {"model": "fusion"}


def test_an_input_does_not_count_twice():
    both = MORPHOMETRY | {"model": "c", "modalities": "morphometry+connectivity"}
    other = VOLUMES | {"modalities": "morphometry+volumes"}
    assert fuse([other, both]) == both | {"model": "fusion"}


def test_a_model_without_an_interval_cannot_be_weighed():
    row = fuse([MORPHOMETRY, VOLUMES | {"predicted_age_lower": None}])
    assert row == MORPHOMETRY | {"model": "fusion"}


def test_models_without_an_age_are_passed_over():
    failed = {"model": "b", "status": "failed", "predicted_age": None}
    assert fuse([failed, MORPHOMETRY])["predicted_age"] == 30.0
    assert fuse([failed]) == failed | {"model": "fusion"}


def test_what_one_model_does_not_tell_is_missing():
    assert fuse([MORPHOMETRY, VOLUMES | {"brain_age_gap": None}])["brain_age_gap"] is None

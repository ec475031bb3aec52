import json
from importlib import resources
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.features.image_quality import (
    anatomical_quality,
    functional_quality,
    mean_quality,
)
from bids_brainage.features.quality_checks import (
    ANATOMY,
    FUNCTION,
    check_anatomy,
    check_function,
)
from bids_brainage.features.template_quality import (
    LANDMARKS,
    dice,
    mirrored,
    rotation,
    standard_brain,
)
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.records.raw import AnatomicalResult, FunctionalResult, RawBold, RawT1w
from bids_brainage.records.segmentation import Segmentation

AFFINE = np.array([[4.0, 0, 0, -90], [0, 4, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])
SHAPE = (46, 55, 46)
GOOD = {
    "intracranial_volume": 1500.0,
    "gm_fraction": 0.45,
    "wm_fraction": 0.35,
    "csf_fraction": 0.2,
    "t1w_brain_coverage": 1.0,
    "registration_overlap": 0.97,
    "registration_wm_overlap": 0.7,
    "landmark_distance": 2.0,
}
GOOD_RUN = {"bold_brain_coverage": 0.9, "bold_registration_overlap": 0.93, "tsnr": 60.0}


def image(data, affine=AFFINE):
    return nib.Nifti1Image(np.asarray(data, dtype=np.float32), affine)


def head(air=2.0, seed=0):
    """A head in the standard space whose tissues are those of the template, with noise."""
    template = standard_brain(image(np.zeros(SHAPE)))
    tissue = np.where(template.white, 2, np.where(template.brain, 1, 0)).astype(np.int8)
    probabilities = np.stack([tissue == k for k in range(4)]).astype(np.float32)
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    data = np.abs(np.array([air, 60.0, 100.0, 30.0])[tissue] + np.where(tissue, 5, air) * noise)
    regions = np.zeros(SHAPE, dtype=np.int16)
    numbers = {region.name: region.number for region in region_table()}
    for name, place in LANDMARKS.items():
        x, y, z = np.rint(np.linalg.solve(AFFINE, [*place, 1])[:3]).astype(int)
        regions[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2] = numbers[name]
    return image(data), Segmentation(tissue, probabilities, tissue > 0, regions, AFFINE)


def anatomy(air=2.0, skull_stripped=False, shift=(0.0, 0.0, 0.0)):
    """Result of a perfect registration, apart from a shift in mm."""
    t1w, segmentation = head(air)
    field = np.zeros((*SHAPE, 1, 3), dtype=np.float32)
    back = field - np.array(shift, dtype=np.float32) * (-1, -1, 1)
    return AnatomicalResult(
        source=RawT1w(Path("sub-01_T1w.nii.gz")),
        skull_stripped=skull_stripped,
        preproc=t1w,
        segmentation=segmentation,
        space="MNI152NLin6Asym",
        mni=t1w,
        mni_segmentation=segmentation.probabilities,
        jacobian=t1w,
        to_mni=image(field),
        from_mni=image(back),
        template="the template",
    )


@pytest.fixture(scope="module")
def measured():
    return anatomical_quality(anatomy())


def run(mask=None, noise=1.0, volumes=20):
    brain = standard_brain(image(np.zeros(SHAPE))).brain if mask is None else mask
    series = np.random.default_rng(1).normal(100, noise, size=(*SHAPE, volumes))
    grid = image(brain)
    displacement = np.full(volumes, 0.1)
    displacement[0], displacement[3] = np.nan, 0.7
    return FunctionalResult(
        source=RawBold(Path("sub-01_bold.nii.gz")),
        bold=image(series * brain[..., None]),
        mask=grid,
        reference=grid,
        native_reference=grid,
        native_mask=grid,
        reference_in_t1w=grid,
        to_t1w=np.eye(4),
        confounds={"framewise_displacement": displacement},
        confounds_metadata={},
        repetition_time=2.0,
        space="MNI152NLin6Asym",
    )


def test_a_head_like_the_template_overlaps_with_it_and_passes(measured):
    assert measured["registration_overlap"] == pytest.approx(1)
    assert measured["registration_wm_overlap"] > 0.95
    assert measured["landmark_distance"] < 3
    assert measured["mirror_overlap"] > 0.9
    assert measured["head_rotation"] == pytest.approx(0, abs=1e-3)
    assert measured["t1w_brain_coverage"] == pytest.approx(1)
    check_anatomy({**measured, "csf_fraction": 0.1})


def test_volumes_are_those_of_the_probabilities(measured):
    probabilities = head()[1].probabilities
    assert measured["intracranial_volume"] == pytest.approx(
        float(probabilities[1:].sum()) * 0.064, rel=1e-4
    )
    shares = [measured[f"{name}_fraction"] for name in ("gm", "wm", "csf")]
    assert sum(shares) == pytest.approx(1)


def test_contrast_follows_its_definition(measured):
    assert measured["t1w_snr"] == pytest.approx(100 / 5, rel=0.1)
    assert measured["t1w_cnr"] == pytest.approx(40 / np.hypot(np.hypot(5, 5), 1.5), rel=0.1)
    assert 200 < measured["t1w_fber"] < 5000


def test_background_measures_need_a_background():
    assert anatomical_quality(anatomy(air=0.0))["t1w_fber"] is None
    assert anatomical_quality(anatomy(skull_stripped=True))["t1w_fber"] is None


def test_regions_away_from_their_place_are_measured_in_mm():
    assert anatomical_quality(anatomy(shift=(0, 0, 40)))["landmark_distance"] == pytest.approx(
        40, abs=2
    )


def test_run_is_measured():
    quality = functional_quality(run())
    assert quality["tsnr"] == pytest.approx(100, rel=0.1)
    assert quality["mean_fd"] == pytest.approx((18 * 0.1 + 0.7) / 19)
    assert quality["high_motion_share"] == pytest.approx(1 / 19)
    assert quality["mean_std_dvars"] is None
    assert quality["bold_registration_overlap"] == pytest.approx(1)
    assert quality["bold_brain_coverage"] == pytest.approx(1)
    check_function(quality)


def test_empty_bold_mask_stops_the_run():
    quality = functional_quality(run(np.zeros(SHAPE, dtype=bool)))
    assert quality["tsnr"] is None
    with pytest.raises(InputError, match=r"mask is empty.*x_bold"):
        check_function(quality, "x_bold.nii.gz")


def test_runs_are_averaged_by_their_volumes():
    one, other = {"n_volumes": 100.0, "tsnr": 40.0}, {"n_volumes": 300.0, "tsnr": 80.0}
    assert mean_quality([one, other]) == {"n_volumes": 400.0, "tsnr": 70.0}
    assert mean_quality([one, {"n_volumes": 50.0, "tsnr": None}])["tsnr"] == 40
    assert mean_quality([{"tsnr": None}]) == {"tsnr": None}


def test_every_quality_column_is_documented(measured):
    path = resources.files("bids_brainage") / "data" / "columns.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    for name in (*measured, *functional_quality(run())):
        assert len(described[name]["Description"]) > 20
    assert {one.column for one in (*ANATOMY, *FUNCTION)} <= set(described)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("intracranial_volume", 0.0, "no brain \\(0 mL\\)"),
        ("intracranial_volume", 431.0, "431 mL, under 650 mL"),
        ("intracranial_volume", 2600.0, "2600 mL, over 2200 mL"),
        ("gm_fraction", 0.9, "90%, over 70%"),
        ("t1w_brain_coverage", 0.4, "40%, under 80%.*field of view|field of view.*40%"),
        ("registration_overlap", 0.6, "0.6, under 0.85"),
        ("landmark_distance", 46.7, "46.7 mm, over 20 mm.*orientation"),
    ],
)
def test_implausible_anatomy_stops_with_value_place_and_next_step(column, value, words):
    check_anatomy(GOOD)
    with pytest.raises(InputError, match=words) as caught:
        check_anatomy(GOOD | {column: value}, "sub-01_T1w.nii.gz")
    assert "sub-01_T1w.nii.gz" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("bold_brain_coverage", 0.2, "20%, under 50%"),
        ("bold_registration_overlap", 0.3, "0.3, under 0.5"),
        ("tsnr", 1.0, "1, under 2"),
    ],
)
def test_implausible_run_stops_with_its_value(column, value, words):
    check_function(GOOD_RUN)
    with pytest.raises(InputError, match=words):
        check_function(GOOD_RUN | {column: value})


def test_values_that_could_not_be_measured_stop_nothing_but_of_the_registration():
    check_anatomy({"intracranial_volume": 1500.0, "t1w_brain_coverage": None})
    with pytest.raises(InputError, match="landmark distance cannot be measured"):
        check_anatomy({"intracranial_volume": 1500.0, "landmark_distance": None})


def test_dice_and_mirror():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[5:10] = True
    assert dice(mask, mask) == 1
    assert dice(mask, ~mask) == 0
    assert np.isnan(dice(mask & False, mask & False))
    assert np.array_equal(mirrored(mirrored(mask, AFFINE), AFFINE), mask)
    assert not (mirrored(mask, AFFINE) & mask).any()


def test_rotation_is_that_of_the_best_affine_map():
    points = np.random.default_rng(0).normal(size=(50, 3))
    turn = np.array([[np.cos(0.5), -np.sin(0.5), 0], [np.sin(0.5), np.cos(0.5), 0], [0, 0, 1.0]])
    moved = points @ (1.3 * turn).T + 7
    assert rotation(points, moved) == pytest.approx(np.degrees(0.5), abs=1e-4)
    assert np.isnan(rotation(points[:2], moved[:2]))

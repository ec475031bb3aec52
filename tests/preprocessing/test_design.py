import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.bold import BoldSignals
from bids_brainage.preprocessing.confounds import MOTION, read_confounds
from bids_brainage.preprocessing.denoising import Denoising, load_preset, preset_names
from bids_brainage.preprocessing.design import confound_design, needs_tissues

N = 120


@pytest.fixture
def signals():
    generator = np.random.default_rng(3)
    white, csf = generator.standard_normal((2, N, 60)).astype(np.float32)
    white += np.sin(np.arange(N))[:, None]
    return BoldSignals(np.zeros((N, 2)), np.ones(2), white, csf, generator.standard_normal(N))


def table_with(tmp_path, **columns):
    generator = np.random.default_rng(0)
    content = {name: generator.standard_normal(N).cumsum() for name in MOTION}
    path = tmp_path / "confounds.tsv"
    pd.DataFrame(content | columns).to_csv(path, sep="\t", index=False, na_rep="n/a")
    return read_confounds(path, N)


def build(preset, table, signals, repetition_time=2.0):
    return confound_design(preset, table, signals, np.ones(N, dtype=bool), repetition_time)


def test_friston24_is_parameters_and_volume_before_with_squares(tmp_path, signals):
    table = table_with(tmp_path)
    design = build(Denoising("f", motion="friston24"), table, signals)
    assert len(design.columns) == 24
    x = table.columns["rot_y"]
    np.testing.assert_array_equal(design.columns["rot_y_lag1"], np.r_[x[0], x[:-1]])
    np.testing.assert_array_equal(design.columns["rot_y_lag1_power2"], np.r_[x[0], x[:-1]] ** 2)
    assert design.computed == []


def test_24_parameters_of_six_equal_those_of_fmriprep(tmp_path, shared, signals):
    path = (
        shared / "deriv/aomic-piop2/derivatives/fmriprep/sub-0001/func/"
        "sub-0001_task-restingstate_acq-seq_desc-confounds_regressors.tsv"
    )
    full = read_confounds(path, 240)
    six = tmp_path / "six.tsv"
    pd.read_csv(path, sep="\t")[list(MOTION)].to_csv(six, sep="\t", index=False)
    steady = np.ones(240, dtype=bool)
    blank = BoldSignals(np.zeros((240, 2)), np.ones(2), None, None, np.zeros(240))
    preset = Denoising("d", motion="derivatives24")
    theirs = confound_design(preset, full, blank, steady, 2.0)
    ours = confound_design(preset, read_confounds(six, 240), blank, steady, 2.0)
    assert list(ours.columns) == list(theirs.columns)
    assert len(ours.computed) == 6 and theirs.computed == []
    np.testing.assert_allclose(ours.matrix(240), theirs.matrix(240), atol=1e-8)


def test_components_of_the_table_are_used_where_it_has_them(tmp_path, signals):
    generator = np.random.default_rng(1)
    table = table_with(
        tmp_path, **{f"a_comp_cor_{i:02d}": generator.standard_normal(N) for i in range(7)}
    )
    preset = load_preset()
    assert not needs_tissues(preset, table)
    design = build(preset, table, signals)
    names = [name for name in design.columns if "comp_cor" in name]
    assert names == [f"a_comp_cor_{i:02d}" for i in range(5)]
    assert design.computed == []
    assert len(design.columns) == 24 + 5 + 2


def test_computed_components_find_the_shared_noise(tmp_path, signals):
    table = table_with(tmp_path)
    preset = load_preset()
    assert needs_tissues(preset, table)
    design = build(preset, table, signals)
    first = design.columns["computed_comp_cor_00"]
    assert abs(np.corrcoef(first, np.sin(np.arange(N)))[0, 1]) > 0.95
    components = np.column_stack([design.columns[f"computed_comp_cor_{i:02d}"] for i in range(5)])
    np.testing.assert_allclose(components.T @ components, np.eye(5), atol=1e-8)


def test_cosines_are_those_of_nilearn(tmp_path, signals):
    from nilearn.glm.first_level import make_first_level_design_matrix

    design = build(Denoising("c", cosines=True, high_pass=0.01), table_with(tmp_path), signals)
    expected = make_first_level_design_matrix(
        np.arange(N) * 2.0, drift_model="cosine", high_pass=0.01
    ).drop(columns="constant")
    ours = design.matrix(N)
    assert ours.shape == expected.shape
    np.testing.assert_allclose(
        np.abs(np.corrcoef(ours.T, expected.T)[:4, 4:]), np.eye(4), atol=1e-8
    )


def test_cosines_of_the_table_are_preferred(tmp_path, signals):
    table = table_with(tmp_path, cosine00=np.cos(np.arange(N) / 40))
    design = build(load_preset("simple"), table, signals, repetition_time=None)
    assert "cosine00" in design.columns
    assert "white_matter" in design.computed


def test_tissue_signals_are_expanded(tmp_path, signals):
    design = build(load_preset("36P"), table_with(tmp_path), signals)
    names = [name for name in design.columns if not name.startswith("computed_cosine")]
    assert len(names) == 36
    np.testing.assert_array_equal(design.columns["global_signal"], signals.global_signal)


def test_constant_columns_are_left_out_with_a_note(tmp_path, signals):
    table = table_with(tmp_path, white_matter=np.zeros(N), csf=np.arange(N) % 7)
    design = build(Denoising("t", tissue_signals=("white_matter", "csf")), table, signals)
    assert list(design.columns) == ["csf"]
    assert "constant confounds left out: white_matter" in design.notes[0]


def test_trend_is_linear_and_quadratic(tmp_path, signals):
    design = build(Denoising("t", trend=2), None, signals)
    assert list(design.columns) == ["trend1", "trend2"]
    time = np.arange(N)
    fit = np.polyfit(time, design.columns["trend2"], 2)
    np.testing.assert_allclose(np.polyval(fit, time), design.columns["trend2"], atol=1e-10)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_can_be_computed_of_six_parameters(tmp_path, signals, name):
    matrix = build(load_preset(name), table_with(tmp_path), signals).matrix(N)
    assert np.isfinite(matrix).all()
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1]


def test_too_few_noise_voxels_are_refused(tmp_path, signals):
    flat = BoldSignals(
        signals.regions, signals.coverage, np.ones((N, 30), np.float32),
        np.ones((N, 3), np.float32), signals.global_signal,
    )  # fmt: skip
    with pytest.raises(InputError, match="only 0 voxels"):
        build(load_preset(), table_with(tmp_path), flat)
    with pytest.raises(InputError, match="only 0 voxels"):
        build(load_preset("minimal"), None, flat)


@pytest.mark.parametrize(
    ("name", "n_volumes"),
    [
        ("deriv/confounds/nilearn_fmriprep20_desc-confounds_regressors.tsv", 30),
        ("deriv/confounds/nilearn_fmriprep21_desc-confounds_timeseries.tsv", 30),
        ("deriv/confounds/pynets_sub-997_ses-01_task-REST_run-01_bold_confounds.tsv", 333),
        (
            "deriv/aomic-piop2/derivatives/fmriprep/sub-0002/func/"
            "sub-0002_task-restingstate_acq-seq_desc-confounds_regressors.tsv",
            240,
        ),
    ],
)
def test_default_takes_everything_of_real_tables(shared, name, n_volumes):
    table = read_confounds(shared / name, n_volumes)
    preset = load_preset()
    assert not needs_tissues(preset, table)
    steady = np.ones(n_volumes, dtype=bool)
    steady[table.non_steady_state()] = False
    blank = BoldSignals(np.zeros((n_volumes, 2)), np.ones(2), None, None, np.zeros(n_volumes))
    design = confound_design(preset, table, blank, steady, None)
    assert design.computed == []
    assert len(design.columns) == 24 + 5 + 2
    assert np.isfinite(design.matrix(n_volumes)).all()

import json
import math

import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.confounds import MOTION, power_displacement, read_confounds

FILES = {
    "deriv/confounds/nilearn_fmriprep20_desc-confounds_regressors.tsv": 30,
    "deriv/confounds/nilearn_fmriprep21_desc-confounds_timeseries.tsv": 30,
    "deriv/confounds/pynets_sub-997_ses-01_task-REST_run-01_bold_confounds.tsv": 333,
    "bids/ds000005-truncated/derivatives/fmriprep-1.0.3-oldnames/sub-01/func/"
    "sub-01_task-mixedgamblestask_run-01_bold_confounds.tsv": 16,
    "bids/studyforrest/derivatives/antsmini/sub-02/func/"
    "sub-02_task-oneback_run-1_desc-confounds_timeseries.tsv": 156,
    "deriv/aomic-piop2/derivatives/fmriprep/sub-0001/func/"
    "sub-0001_task-restingstate_acq-seq_desc-confounds_regressors.tsv": 240,
}


def table_of(n=40, **columns):
    generator = np.random.default_rng(0)
    content = {name: generator.standard_normal(n) for name in MOTION}
    return pd.DataFrame(content | columns)


def write(path, table):
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    return path


@pytest.mark.parametrize("name", FILES)
def test_real_tables_of_every_version_give_motion_and_displacement(shared, name):
    table = read_confounds(shared / name, FILES[name])
    assert table.motion().shape == (FILES[name], 6)
    displacement = table.framewise_displacement()
    assert np.isfinite(displacement).all()
    assert displacement[0] == 0 or "pynets" in name
    assert 0 < displacement[1:].mean() < 2


def test_old_names_become_new_ones(shared):
    name = next(name for name in FILES if "oldnames" in name)
    table = read_confounds(shared / name, 16)
    assert table.has("csf", "white_matter", "global_signal", "std_dvars", "trans_x", "rot_z")
    assert table.components("combined") == [f"a_comp_cor_{i:02d}" for i in range(6)]
    assert table.non_steady_state() == [0]
    assert "fMRIPrep 1.0" in table.notes[0]


def test_own_displacement_equals_that_of_fmriprep(shared):
    for name in list(FILES)[-2:]:
        table = read_confounds(shared / name, FILES[name])
        np.testing.assert_allclose(
            power_displacement(table.motion())[1:],
            table.columns["framewise_displacement"][1:],
            atol=1e-4,
        )


def test_combined_components_are_told_from_others_by_the_json(shared):
    name = list(FILES)[-1]
    table = read_confounds(shared / name, 240)
    combined = table.components("combined")
    assert combined[:3] == ["a_comp_cor_00", "a_comp_cor_01", "a_comp_cor_02"]
    assert not set(combined) & set(table.components("white_matter"))
    assert table.components("csf")


def test_json_can_put_other_masks_first(tmp_path):
    ones = np.arange(40.0)
    path = write(tmp_path / "a.tsv", table_of(a_comp_cor_00=ones, a_comp_cor_01=ones))
    masks = {"a_comp_cor_00": {"Mask": "CSF"}, "a_comp_cor_01": {"Mask": "combined"}}
    path.with_suffix(".json").write_text(json.dumps(masks))
    assert read_confounds(path, 40).components("combined") == ["a_comp_cor_01"]
    path.with_suffix(".json").write_text("{broken")
    assert read_confounds(path, 40).components("combined") == ["a_comp_cor_00", "a_comp_cor_01"]


def test_new_tables_have_components_of_each_tissue(shared):
    table = read_confounds(shared / list(FILES)[1], 30)
    assert len(table.components("white_matter")) == 4
    assert len(table.components("csf")) == 3
    assert len(table.components("combined")) == 5
    assert table.non_steady_state() == [0, 1, 2]


def test_first_value_of_a_difference_becomes_zero(tmp_path):
    change = np.r_[math.nan, np.ones(39)]
    table = read_confounds(write(tmp_path / "a.tsv", table_of(trans_x_derivative1=change)), 40)
    assert table.get("trans_x_derivative1")[0] == 0


def test_displacement_is_computed_where_the_table_lacks_it(tmp_path):
    frame = pd.DataFrame(np.zeros((3, 6)), columns=list(MOTION))
    frame.loc[1, "trans_y"] = -0.5
    frame.loc[1:, "rot_x"] = 0.01
    table = read_confounds(write(tmp_path / "a.tsv", frame), 3)
    np.testing.assert_allclose(table.framewise_displacement(), [0, 1.0, 0.5])


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("csf", [math.nan] * 40, "no value at all"),
        ("csf", [1.0] * 20 + [math.nan] + [2.0] * 19, "1 missing values, one of them in line 22"),
        ("trans_x", [math.nan] + [1.0] * 39, "1 missing values"),
        ("csf", ["word"] * 40, "no value at all"),
    ],
)
def test_gaps_are_named_with_their_line(tmp_path, column, values, message):
    table = read_confounds(write(tmp_path / "a.tsv", table_of().assign(**{column: values})), 40)
    with pytest.raises(InputError, match=message) as caught:
        table.get(column)
    assert "a.tsv" in str(caught.value)


def test_absent_column_is_named(tmp_path):
    table = read_confounds(write(tmp_path / "a.tsv", table_of().drop(columns="rot_y")), 40)
    with pytest.raises(InputError, match="no column 'rot_y'"):
        table.motion()


def test_constant_motion_is_refused(tmp_path):
    frame = pd.DataFrame(np.zeros((40, 6)), columns=list(MOTION))
    with pytest.raises(InputError, match="constant"):
        read_confounds(write(tmp_path / "a.tsv", frame), 40).motion()


def test_other_number_of_rows_is_refused(tmp_path):
    path = write(tmp_path / "a.tsv", table_of(39))
    with pytest.raises(InputError, match="39 rows of confounds for 40 volumes"):
        read_confounds(path, 40)


@pytest.mark.parametrize("rows", [[3], range(1, 41)])
def test_rows_longer_than_the_header_never_shift_values_into_other_columns(tmp_path, rows):
    path = write(tmp_path / "c.tsv", table_of())
    lines = path.read_text().splitlines()
    for row in rows:
        lines[row] = f"9\t{lines[row]}"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=f"line {rows[0] + 1} has more cells"):
        read_confounds(path, 40)


def test_tabs_at_the_end_of_lines_do_no_harm(tmp_path):
    path = write(tmp_path / "c.tsv", table_of())
    path.write_text("".join(f"{line}\t\n" for line in path.read_text().splitlines()))
    assert read_confounds(path, 40).motion().shape == (40, 6)


def test_unreadable_tables_are_named(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("")
    with pytest.raises(InputError, match="cannot be read"):
        read_confounds(path, 40)
    with pytest.raises(InputError, match="cannot be read"):
        read_confounds(tmp_path / "absent.tsv", 40)

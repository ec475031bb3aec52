import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest

from bids_brainage.app.demo_stats import write_stats
from bids_brainage.errors import InputError
from bids_brainage.features.morphometry import (
    measure_names,
    read_morphometry,
    write_morphometry,
)
from bids_brainage.features.vectors import morphometry_vector

NAMES = list(measure_names().units)


@pytest.fixture
def values():
    generator = np.random.default_rng(0)
    sizes = {"mm": (1.5, 4.0), "mm3": (200.0, 50_000.0), "count": (0.0, 40.0)}
    return {
        name: float(np.round(generator.uniform(*sizes[unit]), 3))
        for name, unit in measure_names().units.items()
    }


@pytest.mark.parametrize(
    ("version", "stated"),
    [
        ("5.3.0", "5.3"),
        ("6.0.0", "6.0"),
        ("7.1.1", "7.1.1"),
        ("7.4.1", "7.4.1"),
        ("8.0.0", "8.0.0"),
    ],
)
def test_every_version_gives_back_the_numbers(tmp_path, values, version, stated):
    found = read_morphometry(write_stats(tmp_path / "sub-01", values, version))
    assert found.values == values
    assert list(found.values) == NAMES
    assert (found.software, found.version) == ("FreeSurfer", stated)
    assert found.notes == ()


def test_people_of_the_training_table_round_trip(tmp_path, shared):
    table = pd.read_csv(shared / "data" / "morphometry.tsv.gz", sep="\t", nrows=2500)
    assert list(table.columns)[6:] == NAMES
    for number in (0, 1200, 2499):
        row = table.iloc[number][NAMES].astype(float)
        found = read_morphometry(write_stats(tmp_path / str(number), row.to_dict()))
        np.testing.assert_array_equal(np.array(list(found.values.values())), row.to_numpy())


def test_real_recon_alls_are_read_completely(shared):
    found = read_morphometry(shared / "deriv" / "freesurfer" / "bert")
    assert found.version == "7.2.0-beta"
    assert found.values["Left-Thalamus-Proper"] == 8066.3
    assert found.values["rh_G&S_frontomargin_thickness"] == 2.634
    assert found.values["rh_MeanThickness_thickness"] == 2.59422
    assert found.values["EstimatedTotalIntraCranialVol"] == 1520021.264474
    assert found.values["SurfaceHoles"] == 29
    assert not any(math.isnan(value) for value in found.values.values())
    other = read_morphometry(shared / "deriv" / "freesurfer" / "pet-nimh-sub-01")
    assert other.version == "7.4.1"
    assert not any(math.isnan(value) for value in other.values.values())


def test_zero_volume_becomes_missing_and_zero_holes_stay(tmp_path, values):
    values |= {"Left-Hippocampus": 0.0, "lh_G_cuneus_thickness": 0.0, "lhSurfaceHoles": 0.0}
    found = read_morphometry(write_stats(tmp_path, values))
    assert math.isnan(found.values["Left-Hippocampus"])
    assert math.isnan(found.values["lh_G_cuneus_thickness"])
    assert found.values["lhSurfaceHoles"] == 0
    assert any("Left-Hippocampus: zero" in note for note in found.notes)


def test_wrong_unit_is_missing_not_converted(tmp_path, values):
    write_stats(tmp_path, values)
    path = tmp_path / "stats" / "aseg.stats"
    path.write_text(path.read_text().replace("Units     mm^3", "Units     cm^3"))
    found = read_morphometry(tmp_path)
    assert math.isnan(found.values["Left-Caudate"])
    assert any("unit is 'cm^3'" in note for note in found.notes)


def test_implausible_thickness_is_missing(tmp_path, values):
    values["lh_G_cuneus_thickness"] = 2100.0
    found = read_morphometry(write_stats(tmp_path, values))
    assert math.isnan(found.values["lh_G_cuneus_thickness"])


def test_unparsable_number_is_missing(tmp_path, values):
    write_stats(tmp_path, values)
    path = tmp_path / "stats" / "aseg.stats"
    path.write_text(path.read_text().replace(repr(values["Left-Caudate"]), "nan"))
    found = read_morphometry(tmp_path)
    assert math.isnan(found.values["Left-Caudate"])


def test_truncated_file_keeps_what_is_whole(tmp_path, values):
    write_stats(tmp_path, values)
    path = tmp_path / "stats" / "lh.aparc.a2009s.stats"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:40]) + "\n" + lines[40][:45])
    found = read_morphometry(tmp_path)
    known = [n for n in NAMES if n.startswith("lh_") and not math.isnan(found.values[n])]
    assert 10 < len(known) < 74
    assert any("cut off" in note for note in found.notes)
    assert any("measures are missing" in note for note in found.notes)


def test_missing_hemisphere_is_noted(tmp_path, values):
    write_stats(tmp_path, values)
    (tmp_path / "stats" / "rh.aparc.a2009s.stats").unlink()
    found = read_morphometry(tmp_path)
    assert sum(math.isnan(value) for value in found.values.values()) == 75
    assert "rh.aparc.a2009s.stats is missing" in found.notes


def test_globals_fall_back_to_brainvol(tmp_path, values):
    write_stats(tmp_path, values)
    path = tmp_path / "stats" / "aseg.stats"
    lines = path.read_text().splitlines(keepends=True)
    measures = [line for line in lines if line.startswith("# Measure")]
    path.write_text("".join(line for line in lines if line not in measures))
    (tmp_path / "stats" / "brainvol.stats").write_text("".join(measures))
    assert read_morphometry(tmp_path).values == values


def test_empty_files_are_an_input_error(tmp_path):
    (tmp_path / "stats").mkdir()
    for name in ("aseg.stats", "lh.aparc.a2009s.stats", "rh.aparc.a2009s.stats"):
        (tmp_path / "stats" / name).write_text("")
    with pytest.raises(InputError, match="no measure can be read"):
        read_morphometry(tmp_path)


def test_absent_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="recon-all"):
        read_morphometry(tmp_path / "sub-99")


def test_fastsurfer_segmentation_only_gives_volumes(tmp_path, values):
    write_stats(tmp_path, values)
    stats = tmp_path / "stats"
    for name in ("lh.aparc.a2009s.stats", "rh.aparc.a2009s.stats"):
        (stats / name).unlink()
    text = (stats / "aseg.stats").read_text()
    text = text.replace("mri_segstats", "segstats.py").replace(
        "# cvs_version", "# FastSurfer_version"
    )
    (stats / "aseg.stats").unlink()
    (stats / "aseg+DKT.stats").write_text(text)
    found = read_morphometry(tmp_path)
    assert (found.software, found.version) == ("FastSurfer", "7.4.1")
    assert found.values["Left-Hippocampus"] == values["Left-Hippocampus"]
    assert math.isnan(found.values["lh_G_cuneus_thickness"])


def test_build_stamp_tells_the_version_of_old_files(tmp_path, values):
    write_stats(tmp_path, values, "5.3.0")
    (tmp_path / "scripts").mkdir()
    stamp = tmp_path / "scripts" / "build-stamp.txt"
    stamp.write_text("freesurfer-Linux-centos4_x86_64-stable-pub-v5.1.0\n")
    assert read_morphometry(tmp_path).version == "5.1.0"


def test_other_capitals_are_recognised(tmp_path, values):
    write_stats(tmp_path, values)
    path = tmp_path / "stats" / "lh.aparc.a2009s.stats"
    text = path.read_text().replace("G_Ins_lg_and_S_cent_ins", "G_INS_LG_AND_S_CENT_INS")
    path.write_text(text)
    found = read_morphometry(tmp_path)
    assert (
        found.values["lh_G_Ins_lg&S_cent_ins_thickness"]
        == values["lh_G_Ins_lg&S_cent_ins_thickness"]
    )


def test_written_table_reads_back_as_a_vector(tmp_path, values):
    values["Left-Caudate"] = 0.0
    found = read_morphometry(write_stats(tmp_path / "sub-01", values))
    path = tmp_path / "sub-01_desc-freesurfer_morph.tsv"
    write_morphometry(path, found, {"Sources": ["bids:freesurfer:sub-01/stats/aseg.stats"]})
    table = pd.read_csv(path, sep="\t", na_values="n/a")
    assert list(table.columns) == ["measure", "value", "unit"]
    assert len(table) == 204
    np.testing.assert_array_equal(
        morphometry_vector(path, NAMES), np.array(list(found.values.values()))
    )
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["SoftwareVersion"] == "7.4.1"
    assert sidecar["Sources"] == ["bids:freesurfer:sub-01/stats/aseg.stats"]


def test_tables_of_the_study_agree_with_the_training_table(shared):
    """The fs_stats tables that AOMIC publishes are what the training table holds."""
    table = pd.read_csv(shared / "data" / "morphometry.tsv.gz", sep="\t")
    table = table[table.dataset == "aomic_piop2"]
    folder = shared / "deriv" / "aomic-piop2" / "derivatives" / "fs_stats"
    name = "data-cortical_type-aparc.a2009s_measure-thickness_hemi-lh.tsv"
    study = pd.read_csv(folder / name, sep="\t", index_col=0)
    people = "sub-" + table.participant_id.str[-4:]
    columns = [n for n in NAMES if n in study.columns and n.startswith("lh_")]
    assert len(columns) == 75
    ours = table[columns].to_numpy(dtype=float)
    np.testing.assert_allclose(ours, study.loc[people, columns].to_numpy(), atol=1e-4)


def test_copy_of_a_folder_reads_the_same(tmp_path, values):
    source = write_stats(tmp_path / "a", values)
    shutil.copytree(source, tmp_path / "b")
    assert read_morphometry(tmp_path / "b").values == read_morphometry(source).values

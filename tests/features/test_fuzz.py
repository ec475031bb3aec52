"""Statistics files of any content give plausible measures or an error with its place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.app.demo_stats import write_stats
from bids_brainage.errors import InputError
from bids_brainage.features.morphometry import measure_names, read_morphometry
from bids_brainage.features.stats_files import read_stats
from tests.fuzzing import fuzz, mutated, no_hang

VALUES = {"Left-Thalamus-Proper": 7500.5, "Right-Hippocampus": 4100.0, "CSF": 900.0,
          "lh_G&S_frontomargin_thickness": 2.4, "lh_S_calcarine_thickness": 2.1,
          "rh_S_calcarine_thickness": 2.2, "lh_MeanThickness_thickness": 2.5,
          "EstimatedTotalIntraCranialVol": 1.5e6, "BrainSegVol": 1.1e6}  # fmt: skip
FILES = ("aseg.stats", "lh.aparc.a2009s.stats", "rh.aparc.a2009s.stats")


@pytest.fixture(scope="module")
def recon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz") / "sub-01"
    return write_stats(folder, VALUES)


@pytest.fixture(scope="module")
def written(recon):
    return {name: (recon / "stats" / name).read_bytes() for name in FILES}


@fuzz
@given(st.data())
def test_any_stats_files_give_plausible_measures_or_none(recon, written, data):
    names = measure_names()
    for name, content in written.items():
        (recon / "stats" / name).write_bytes(data.draw(mutated(content)))
    with no_hang():
        read_stats(recon / "stats" / FILES[0])
        try:
            found = read_morphometry(recon)
        except InputError as error:
            assert error.place and error.hint
            return
    assert found.values.keys() == names.units.keys()
    for name, value in found.values.items():
        low, high = names.plausible[names.units[name]]
        assert math.isnan(value) or low <= value <= high
    " ".join([found.software, found.version, *found.notes]).encode()


@fuzz
@given(st.data())
def test_cut_files_give_true_measures_or_none(recon, written, data):
    for name, content in written.items():
        end = data.draw(st.integers(0, len(content)))
        (recon / "stats" / name).write_bytes(content[:end])
    try:
        found = read_morphometry(recon)
    except InputError:
        return
    for name, value in found.values.items():
        assert math.isnan(value) or value == pytest.approx(VALUES[name])

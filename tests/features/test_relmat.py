import json

import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError, ModelError
from bids_brainage.features.connectivity import combine_runs
from bids_brainage.features.relmat import write_relmat, write_timeseries
from bids_brainage.features.vectors import (
    connectivity_matrix,
    connectivity_vector,
    morphometry_vector,
)
from bids_brainage.records.features import RunSeries
from bids_brainage.records.inputs import BoldRun
from tests.features.synthetic_run import correlated_series

REGIONS = tuple(f"Region_{i}" for i in range(12))


@pytest.fixture
def run(tmp_path):
    values = correlated_series(50, 12)
    values = (values - values.mean(0)) / values.std(0, ddof=1)
    values[:, 4] = np.nan
    source = BoldRun(tmp_path / "sub-01_task-rest_desc-preproc_bold.nii.gz", None, None, 2.0, "MNI")
    details = {"Atlas": {"Name": "Test"}, "Denoising": {"name": "compcor"}}
    return RunSeries(source, values, REGIONS, np.ones(12), 0.1, 53, 3, details, ("a note",))


def test_vector_of_the_file_is_the_vector_in_memory(tmp_path, run):
    connectivity = combine_runs([run])
    path = write_relmat(tmp_path / "func" / "sub-01_relmat.tsv", connectivity, {"Sources": ["x"]})
    upper = np.triu_indices(12, 1)
    vector = connectivity_vector(path, REGIONS)
    np.testing.assert_array_equal(vector, connectivity.matrix[upper])
    assert np.isnan(vector).sum() == 11
    matrix, regions = connectivity_matrix(path)
    np.testing.assert_array_equal(matrix, connectivity.matrix)
    assert regions == REGIONS


def test_matrix_file_has_a_header_and_one_row_per_region(tmp_path, run):
    path = write_relmat(tmp_path / "a_relmat.tsv", combine_runs([run]), {})
    table = pd.read_csv(path, sep="\t", na_values="n/a")
    assert tuple(table.columns) == REGIONS
    assert table.shape == (12, 12)
    assert "n/a" in path.read_text()
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["Denoising"] == {"name": "compcor"}
    assert sidecar["Volumes"] == [50]


def test_other_regions_are_refused(tmp_path, run):
    path = write_relmat(tmp_path / "a_relmat.tsv", combine_runs([run]), {})
    for regions in (REGIONS[::-1], REGIONS[:-1], ()):
        with pytest.raises(ModelError, match="12 regions"):
            connectivity_vector(path, regions)


def test_cut_off_matrix_is_an_input_error(tmp_path, run):
    path = write_relmat(tmp_path / "a_relmat.tsv", combine_runs([run]), {})
    text = path.read_text()
    path.write_text("".join(text.splitlines(keepends=True)[:6]))
    with pytest.raises(InputError, match="5 rows, 12 columns"):
        connectivity_vector(path, REGIONS)
    path.write_text(text.replace("n/a", "zero"))
    with pytest.raises(InputError, match="'zero' is not a number"):
        connectivity_vector(path, REGIONS)


def test_time_series_file_has_one_row_per_kept_volume(tmp_path, run):
    path = write_timeseries(tmp_path / "a_timeseries.tsv", run, {"Sources": ["bids:raw:x"]})
    table = pd.read_csv(path, sep="\t", na_values="n/a")
    assert tuple(table.columns) == REGIONS
    assert len(table) == 50
    assert table["Region_4"].isna().all()
    np.testing.assert_allclose(table.to_numpy(), run.series, atol=1e-6)
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["Sources"] == ["bids:raw:x"]
    assert sidecar["CensoredVolumes"] == 3
    assert sidecar["Coverage"]["Region_0"] == 1
    assert sidecar["Notes"] == ["a note"]


def test_morphometry_of_another_model_is_refused(tmp_path):
    path = tmp_path / "sub-01_morph.tsv"
    path.write_text("measure\tvalue\tunit\nLeft-Caudate\t3000.5\tmm3\nCSF\tn/a\tmm3\n")
    vector = morphometry_vector(path, ["CSF", "Left-Caudate", "Other"])
    np.testing.assert_array_equal(vector, [np.nan, 3000.5, np.nan])
    with pytest.raises(ModelError, match="none of the model's 1 measures"):
        morphometry_vector(path, ["Other"])

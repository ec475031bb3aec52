import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.training.volumes import published
from bids_brainage.training.volumes.user_tables import load_output_volumes


def test_codes_are_summed_to_regions_and_tissues(tmp_path):
    people = {"participant_id": ["sub-1"], "site": ["s"], "age": [50.0], "sex": ["F"]}
    codes = {c for region in region_table() for c in region.muse_codes} - {1, 46, 69}
    columns = {f"MUSE_{code}": [100.0] for code in codes} | {"MUSE_600": [5000.0]}
    pd.DataFrame(people | columns).to_csv(
        tmp_path / published.MUSE_FILE, sep="\t", index=False
    )  # fmt: skip
    table = published.load_muse(tmp_path)
    row = dict(zip(table.names, table.measures[0], strict=True))
    assert row["Left-CingulateGM"] == 300
    assert row["ExternalCSF"] == 5000
    assert row["CSF"] == 5000 + 600
    assert row["ICV"] == row["GM"] + row["WM"] + row["CSF"]
    assert table.sites.tolist() == ["ixi_muse/s"]


def test_another_table_is_refused(tmp_path):
    frame = pd.DataFrame({"participant_id": ["a"], "site": ["s"], "age": [1], "sex": ["F"]})
    frame.to_csv(tmp_path / published.MUSE_FILE, sep="\t", index=False)
    with pytest.raises(InputError, match="no column of"):
        published.load_muse(tmp_path)


def test_shared_tables_have_plausible_volumes(shared):
    muse = published.load_muse(shared / "data")
    assert len(muse) == 211
    assert muse.age.min() > 40
    freesurfer = published.load_freesurfer(shared / "data")
    assert freesurfer.age.min() >= 18
    assert set(freesurfer.datasets) >= {"abide1", "nki"}
    for table, low, high in ((muse, 0.42, 0.48), (freesurfer, 0.40, 0.48)):
        at = table.names.index
        gm, wm = table.measures[:, at("GM")], table.measures[:, at("WM")]
        assert low < np.nanmedian(wm / (gm + wm)) < high


def test_an_output_without_volumes_is_refused(tmp_path):
    with pytest.raises(InputError, match="no session with volumes"):
        load_output_volumes(tmp_path)

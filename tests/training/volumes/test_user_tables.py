import json

import numpy as np

from bids_brainage.features.tissue_volumes import volume_names, write_volumes
from bids_brainage.records.extraction import Extraction
from bids_brainage.training.volumes.sources import load_volumes
from bids_brainage.training.volumes.user_tables import load_volume_table


def write_session(folder, label, age, volumes):
    name = f"sub-{label}/anat/sub-{label}_desc-volumes_morph.tsv"
    (folder / name).parent.mkdir(parents=True)
    write_volumes(folder / name, volumes, {})
    log = Extraction(label, "", "ok", age=age, sex="F", derivatives={"volumes": name})
    path = folder / f"sub-{label}/sub-{label}_desc-extraction_log.json"
    path.write_text(json.dumps(log.to_json()), encoding="utf-8")


def test_an_output_of_the_participant_level_is_read(tmp_path):
    volumes = dict.fromkeys(volume_names(), 1000.0)
    write_session(tmp_path, "1", 30.0, volumes)
    write_session(tmp_path, "2", None, volumes)
    write_session(tmp_path, "3", 40.0, volumes | {"GM": np.nan})
    table = load_volumes(tmp_path, tmp_path / "work")
    assert table.participants.tolist() == ["sub-1"]
    assert table.female.tolist() == [1.0]


def test_a_table_keeps_site_and_takes_zero_for_missing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "participant_id,age,sex,site,ICV,GM,WM,CSF,Left-Amygdala\n"
        "1,30,M,here,1400,600,500,300,0\n2,n/a,F,there,1400,600,500,300,1\n"
    )
    table = load_volume_table(path)
    assert table.sites.tolist() == ["t/here", "t/there"]
    assert np.isnan(table.measures[0, table.names.index("Left-Amygdala")])
    assert table.female.tolist() == [0.0, 1.0]
    assert np.isnan(table.age[1])

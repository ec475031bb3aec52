import json

import pytest

from bids_brainage.errors import UsageError
from bids_brainage.preprocessing.denoising import load_preset, preset_names


def test_packaged_presets_load_and_describe_themselves():
    assert preset_names()[0] == "compcor"
    assert {"24P", "36P", "simple", "scrubbing", "compcor-bandpass", "minimal"} < set(
        preset_names()
    )
    for name in preset_names():
        preset = load_preset(name)
        assert preset.name == name
        assert preset.description and preset.references
        json.dumps(preset.describe())


def test_default_is_what_the_training_series_had():
    preset = load_preset("default")
    assert preset == load_preset("compcor") == load_preset()
    assert preset.motion == "friston24"
    assert preset.compcor == {"components": 5, "mask": "combined"}
    assert preset.trend == 2
    assert not preset.global_signal and not preset.cosines
    assert preset.band_pass is None and preset.fd_threshold is None


def test_only_36p_removes_the_global_signal():
    assert [name for name in preset_names() if load_preset(name).global_signal] == ["36P"]


def test_user_preset_is_read_from_a_path(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"motion": "basic6", "trend": 1}))
    preset = load_preset(path)
    assert (preset.name, preset.motion, preset.trend) == ("mine", "basic6", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"motion": "all"}', "motion is 'all'"),
        ('{"sauce": 1}', "unknown keys sauce"),
        ('{"cosines": true}', "high_pass"),
        ('{"band_pass": [0.1, 0.01]}', "band_pass"),
        ('{"compcor": {"components": 5}}', "wrong preset"),
        ('{"compcor": {"components": 0, "mask": "csf"}}', "0, not 1 to 50"),
        ('{"fd_threshold": -1}', "fd_threshold"),
        ('{"trend": 9}', "trend 9"),
        ("[1, 2]", "not a JSON object"),
        ("{", "not a JSON file"),
        ("[" * 3000, "not a JSON file"),
        ('{"minimum_segment": null}', "minimum_segment"),
        ('{"high_pass": [1]}', "wrong preset"),
        ('{"fd_threshold": NaN}', "fd_threshold"),
        ('{"global_signal": "no"}', "global_signal"),
        ('{"trend": 1' + "0" * 400 + "}", "trend"),
    ],
)
def test_wrong_presets_are_refused(tmp_path, content, message):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        load_preset(path)


def test_unknown_name_lists_the_presets():
    with pytest.raises(UsageError, match=r"no denoising preset 'nope'.*compcor"):
        load_preset("nope")

import hashlib
import pickle
import subprocess

import pytest
import torch
from safetensors.torch import save_file

from bids_brainage.errors import ModelError
from bids_brainage.models import sfcn_weights, user_weights
from bids_brainage.models.sfcn_weights import load_sfcn
from bids_brainage.models.user_weights import git_blob, weights_hash
from tests.models.sfcn_files import state_dict, write_state


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_published_names_are_read_in_both_formats(tmp_path, legacy, prefix):
    path = write_state(tmp_path / "age.p", legacy=legacy, prefix=prefix)
    module, card = load_sfcn([path])
    wanted = state_dict(prefix="")
    own = module.age.state_dict()
    torch.testing.assert_close(
        own["blocks.3.conv.weight"], wanted["feature_extractor.conv_3.0.weight"]
    )
    torch.testing.assert_close(own["blocks.5.norm.running_var"], torch.ones(64))
    torch.testing.assert_close(own["head.bias"], wanted["classifier.conv_6.bias"])
    assert not module.training
    assert (card.name, card.family) == ("sfcn", "sfcn")


def test_safetensors_of_half_precision_are_read(tmp_path):
    path = tmp_path / "age.safetensors"
    save_file({name: value.half() for name, value in state_dict().items()}, path)
    module, _ = load_sfcn([path])
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_card_tells_size_and_hashes_of_each_file(tmp_path):
    age, sex = write_state(tmp_path / "a.p"), write_state(tmp_path / "s.p", "sex")
    module, card = load_sfcn([sex, age])
    assert module.config.tells_sex
    first, second = card.config["weights"]
    assert (first["file"], first["tells"], second["tells"]) == ("a.p", "age", "sex")
    assert first["size"] == age.stat().st_size
    assert first["sha256"] == hashlib.sha256(age.read_bytes()).hexdigest()
    assert card.sha256 == weights_hash([age, sex]) == weights_hash([sex, age])
    assert weights_hash([age]) == first["sha256"] == load_sfcn([age])[1].sha256


def test_blob_is_that_of_git(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"content\n")
    found = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True)
    assert git_blob(path.read_bytes()) == found.stdout.strip()


def test_file_of_unknown_id_is_warned_of(tmp_path, caplog, monkeypatch):
    path = write_state(tmp_path / "a.p")
    load_sfcn([path])
    assert "not among the published files" in caplog.text
    caplog.clear()
    monkeypatch.setitem(user_weights.PUBLISHED, git_blob(path.read_bytes()), "age of 2019")
    _, card = load_sfcn([path])
    assert not caplog.text
    assert card.config["weights"][0]["published"] == "age of 2019"


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda p: p.write_bytes(b"not weights"), "cannot be read as weights"),
        (lambda p: torch.save({"x": torch.ones(2).to_sparse()}, p), "'x' is no tensor of numbers"),
        (lambda p: torch.save({"x": torch.ones(2), "module.x": torch.ones(2)}, p), "both with and"),
        (lambda p: p.write_bytes(b""), "cannot be read as weights"),
        (lambda p: p.write_bytes(pickle.dumps(Malicious())), "cannot be read as weights"),
        (lambda p: torch.save({"module.x": Malicious()}, p), "holds more than tensors"),
        (lambda p: torch.save([torch.ones(2)], p), "holds list, not named tensors"),
        (lambda p: torch.save({}, p), "not named tensors"),
        (lambda p: torch.save({"epoch": 3}, p), "'epoch' is no tensor of numbers"),
        (lambda p: torch.save({"conv1.weight": torch.ones(2)}, p), "such as conv1.weight"),
        (lambda p: torch.save({"classifier.conv_6.weight": torch.ones(70, 64, 1, 1, 1)}, p),
         "has 70 classes"),
    ],
)  # fmt: skip
def test_other_files_are_refused_and_nothing_is_executed(tmp_path, capsys, content, message):
    path = tmp_path / "a.p"
    content(path)
    with pytest.raises(ModelError, match=message) as raised:
        load_sfcn([path])
    assert raised.value.place == str(path)
    assert raised.value.hint
    assert "executed" not in capsys.readouterr().out


def changed(name, value):
    state = state_dict()
    if value is None:
        del state[name]
    else:
        state[name] = value
    return state


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("module.feature_extractor.conv_2.0.bias", None, "1 missing, such as blocks.2.conv.bias"),
        ("module.feature_extractor.conv_9.0.bias", torch.ones(2), "1 unknown"),
        ("module.feature_extractor.conv_0.0.bias", torch.ones(28), r"shape \(28,\), not \(32,\)"),
        ("module.feature_extractor.conv_0.0.bias", torch.full((32,), torch.nan), "not finite"),
    ],
)
def test_changed_tensors_are_named(tmp_path, name, value, message):
    torch.save(changed(name, value), tmp_path / "a.p")
    with pytest.raises(ModelError, match=message):
        load_sfcn([tmp_path / "a.p"])


def test_networks_without_counters_are_read(tmp_path):
    state = {k: v for k, v in state_dict().items() if not k.endswith("tracked")}
    torch.save(state, tmp_path / "a.p")
    assert load_sfcn([tmp_path / "a.p"])


def test_missing_and_oversized_files_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="no such file of weights"):
        load_sfcn([tmp_path / "a.p"])
    with pytest.raises(ModelError, match="cannot be read as weights"):
        weights_hash([tmp_path / "a.p"])
    path = write_state(tmp_path / "a.p")
    monkeypatch.setattr(sfcn_weights, "LARGEST", 1000)
    with pytest.raises(ModelError, match="too many for weights of SFCN"):
        load_sfcn([path])


def test_age_is_needed_and_each_is_told_once(tmp_path):
    age, sex = write_state(tmp_path / "a.p"), write_state(tmp_path / "s.p", "sex")
    with pytest.raises(ModelError, match="no weights that tell age"):
        load_sfcn([sex])
    with pytest.raises(ModelError, match="two files of weights that tell age"):
        load_sfcn([age, age])

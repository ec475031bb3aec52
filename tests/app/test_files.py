import json
import shutil

import numpy as np
import pandas as pd
import pytest

from bids_brainage.app.files import predict_files, score_arrays
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.cli.tool_command import main
from bids_brainage.errors import InputError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.find import shipped_folder
from bids_brainage.models.store import load_model, save_model
from bids_brainage.models.volumes import Volumes, VolumesConfig
from tests.models.test_cards import make_card


@pytest.fixture
def arrays(tmp_path, typical):
    rng = np.random.default_rng(0)
    edges = len(load_model("mavae")[1].inputs["connectivity"].names)
    values = np.array(list(typical.values())) * rng.normal(1, 0.03, size=(5, len(typical)))
    np.save(tmp_path / "Test_features1.npy", values)
    np.save(tmp_path / "Test_features2.npy", np.tanh(rng.normal(0.3, 0.2, size=(5, edges))))
    np.save(tmp_path / "Test_labels_Age.npy", np.array([20, 30, 40, 50, 60]))
    np.save(tmp_path / "Test_labels_Gender.npy", np.array([0, 1, 0, 1, 1]))
    return [tmp_path / f"Test_{n}.npy"
            for n in ("features1", "features2", "labels_Age", "labels_Gender")]  # fmt: skip


def test_predict_prints_age_and_sex_of_arrays(arrays, capsys):
    assert main(["predict", str(arrays[0]), str(arrays[1])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("participant_id\tmodalities\tpredicted_age\tpredicted_sex")


def test_table_columns_may_stand_in_any_order(tmp_path, typical, arrays):
    values = np.load(arrays[0])
    frame = pd.DataFrame(values, columns=list(typical)).iloc[:, ::-1]
    frame.insert(0, "participant_id", [f"sub-{n:02d}" for n in range(5)])
    frame.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    by_table = predict_files([tmp_path / "t.tsv"], "mavae")
    by_array = predict_files([arrays[0]], "mavae")
    assert [r["predicted_age"] for r in by_table] == [r["predicted_age"] for r in by_array]
    assert by_table[0]["participant_id"] == "sub-00"


def test_test_files_are_scored_and_written(arrays, tmp_path, capsys):
    output = tmp_path / "scores.json"
    assert main(["test", "mavae", *map(str, arrays), "--output", str(output)]) == 0
    scores = json.loads(output.read_text())
    assert {"mae", "rmse", "pcc", "sex_accuracy", "sex_f1", "sex_precision", "sex_recall",
            "sex_auc"} <= set(scores)  # fmt: skip
    assert "mae\t" in capsys.readouterr().out
    shuffled = score_arrays(arrays[::-1], "mavae")
    assert shuffled["mae"] == pytest.approx(scores["mae"])


def test_array_of_another_width_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        predict_files([tmp_path / "x.npy"], "mavae")


def test_absent_files_exit_with_66(tmp_path, capsys):
    assert main(["predict", str(tmp_path / "no.npy")]) == 66
    assert "no.npy" in capsys.readouterr().err


def test_models_are_listed_explained_and_verified(capsys):
    for words in (["list"], ["info", "mavae"], ["verify"]):
        assert main(["models", *words]) == 0
        assert "mavae" in capsys.readouterr().out


def test_one_model_alone_can_be_verified(capsys, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(shipped_folder() / "cvae", own)
    assert main(["models", "verify", str(own)]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert main(["models", "verify", str(own)]) == 66
    assert "weights have hash" in capsys.readouterr().err


def test_a_table_of_volumes_needs_the_head_size(tmp_path):
    names = ("ICV", "GM", "WM", "CSF")
    config = VolumesConfig(4, (0,), ((1,),))
    card = make_card(
        family="volumes", name="v", config=config.as_dict(),
        inputs={"volumes": InputSpec(names, names_hash(names), "mm3")},
    )  # fmt: skip
    save_model(Volumes(config), card, tmp_path / "v")
    path = tmp_path / "people.tsv"
    path.write_text("participant_id\tICV\tGM\tWM\tCSF\nsub-1\t1400\t600\t500\t300\n")
    (row,) = predict_files([path], str(tmp_path / "v"), "cpu")
    assert (row["modalities"], row["predicted_sex"], row["predicted_age"]) == ("volumes", None, 0.0)
    path.write_text("participant_id\tGM\tWM\tCSF\nsub-1\t600\t500\t300\n")
    with pytest.raises(InputError, match="no column ICV"):
        predict_files([path], str(tmp_path / "v"), "cpu")


def test_ages_of_tables_are_explained(tmp_path, capsys):
    spec = load_model("mavae")[1].inputs["morphometry"]
    typical = np.array([spec.typical[name] for name in spec.names])
    np.save(tmp_path / "x.npy", np.stack([typical, 0.95 * typical, np.full(len(typical), np.nan)]))
    table = tmp_path / "why.tsv"
    assert main(["predict", str(tmp_path / "x.npy"), "--explain", str(table)]) == 0
    rows = read_tsv(table)
    assert {row["participant_id"] for row in rows} == {"row-0", "row-1"}
    regions = [r for r in rows if r["level"] == "region" and r["participant_id"] == "row-1"]
    assert sum(abs(float(row["contribution"])) for row in regions) > 1

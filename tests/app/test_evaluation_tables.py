import numpy as np
import pandas as pd
import pytest

from bids_brainage.app.evaluation_tables import read_models
from bids_brainage.errors import InputError, MissingInputError


def write(path, **columns):
    pd.DataFrame(columns).to_csv(path, sep="\t", index=False, na_rep="n/a")
    return path


def read(path, named=None, cluster="participant"):
    return read_models([path], named or {}, cluster)


def test_rows_left_out_are_counted(tmp_path):
    path = write(
        tmp_path / "t.tsv", participant_id=["a", "b", "c", "d"], age=[10, np.nan, 30, 40],
        predicted_age=[11, 22, np.nan, np.nan], status=["ok", "ok", "failed", "ok"],
        model=["m", "m", None, "m"],
    )  # fmt: skip
    models, notes = read(path)
    assert len(models["m"]) == 1
    told = "1 failed or without input, 1 without a prediction, 1 without an age"
    assert notes == [f"t.tsv: of 4 rows left out: {told}"]


def test_sexes_are_told_by_word_and_never_by_number(tmp_path):
    path = write(tmp_path / "t.tsv", age=[1, 2, 3, 4], predicted_age=[1, 2, 3, 4],
                 sex=["Female", "m", "1", None])  # fmt: skip
    models, notes = read(path)
    female = models["t"].female
    assert female[:2].tolist() == [1, 0] and np.isnan(female[2:]).all()
    assert notes == ["t.tsv: 1 sexes are neither F nor M (1) and count as unknown"]


def test_rows_of_several_inputs_are_models_of_their_own(tmp_path):
    path = write(
        tmp_path / "t.tsv", participant_id=["a", "a", "b"], dataset="d", model="mavae",
        modalities=["morphometry", "connectivity", "morphometry"], age=[10, 10, 20],
        predicted_age=[11, 12, 21],
    )  # fmt: skip
    models, notes = read(path)
    assert {name: len(people) for name, people in models.items()} == {
        "mavae:morphometry": 2, "mavae:connectivity": 1}  # fmt: skip
    assert notes == []


def test_different_inputs_of_different_people_are_one_model(tmp_path):
    path = write(tmp_path / "t.tsv", participant_id=["a", "b"], model="mavae", age=[10, 20],
                 modalities=["morphometry", "connectivity"], predicted_age=[11, 12])  # fmt: skip
    assert list(read(path)[0]) == ["mavae"]


def test_repeated_rows_count_once(tmp_path):
    path = write(
        tmp_path / "t.tsv", participant_id=["a", "a", "a", "b"], session_id=["1", "1", "1", "1"],
        age=[10, 10, 10, 20], predicted_age=[11, 11, 12, 21],
    )  # fmt: skip
    models, notes = read(path)
    assert models["t"].predicted.tolist() == [11, 21]
    assert [text.partition(" ")[0] for text in notes] == ["1", "1"]
    assert "twice" in notes[0] and "another prediction" in notes[1]


def test_rows_of_a_participant_without_sessions_are_repeats(tmp_path):
    path = write(tmp_path / "t.tsv", participant_id=["a", "b", "a"], age=[11, 20, 10],
                 predicted_age=[11, 21, 13])  # fmt: skip
    people = read(path)[0]["t"]
    assert people.person.tolist() == ["/a", "/b", "/a"]
    assert people.order.tolist() == [2, 0, 1]
    assert len(set(people.key)) == 3


def test_the_same_label_in_two_datasets_is_two_people(tmp_path):
    path = write(tmp_path / "t.tsv", participant_id=["01", "01"], dataset=["x", "y"], age=[10, 20],
                 predicted_age=[11, 21])  # fmt: skip
    people = read(path)[0]["t"]
    assert people.person.tolist() == ["x/01", "y/01"]
    assert set(people.groups) == {"decade", "dataset"}


def test_a_model_of_two_tables_is_told_apart_by_their_names(tmp_path):
    paths = [write(tmp_path / name, participant_id=["a"], age=[10], predicted_age=[11], model="m")
             for name in ("old.tsv", "new.tsv")]  # fmt: skip
    models, _ = read_models(paths, {}, "participant")
    assert list(models) == ["m (old)", "m (new)"]
    assert models["m (old)"].key == models["m (new)"].key


def test_columns_of_a_wide_table_are_models(tmp_path):
    path = write(
        tmp_path / "t.tsv", participant_id=["a", "b"], age=[10, 20], ours=[11, np.nan],
        theirs=[12, 22], ours_female=[0.1, 0.2], probability_female=[0.5, 0.5],
    )  # fmt: skip
    models, notes = read_models(
        [path], {}, "participant", [("ours", "ours_female"), ("theirs", "")]
    )
    assert models["ours"].probability.tolist() == [0.1]
    assert models["theirs"].predicted.tolist() == [12, 22]
    # Nobody said whose the other probabilities are.
    assert np.isnan(models["theirs"].probability).all()
    assert set(models["ours"].key) < set(models["theirs"].key)
    assert notes == ["t.tsv, ours: of 2 rows left out: 1 without a prediction"]


def test_rows_without_participants_are_shared_within_a_table_only(tmp_path):
    columns = {"age": [10, 20], "a": [11, 21], "b": [12, 22]}
    paths = [write(tmp_path / name, **columns) for name in ("one.tsv", "two.tsv")]
    pairs = [("a", ""), ("b", "")]
    models, _ = read_models(paths, {}, "participant", pairs)
    keys = {name: set(people.key) for name, people in models.items()}
    assert keys["a (one)"] == keys["b (one)"]
    assert not keys["a (one)"] & keys["a (two)"]


def test_ages_below_zero_are_none(tmp_path):
    path = write(tmp_path / "t.tsv", age=[-1, 20], predicted_age=[10, 21])
    models, notes = read(path)
    assert models["t"].age.tolist() == [20]
    assert "1 without an age" in notes[0]


def test_tables_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder / "t.tsv", participant_id=["x"], age=[10],
                           predicted_age=[11]))  # fmt: skip
    assert list(read_models(paths, {}, "participant")[0]) == ["t (a/t)", "t (b/t)"]
    assert len(read_models([paths[0]] * 2, {}, "participant")[0]) == 2


def test_impossible_probabilities_and_intervals_are_told(tmp_path):
    path = write(
        tmp_path / "t.tsv", age=[10, 20], predicted_age=[11, 21], sex=["F", "M"],
        probability_female=[1.5, 0.2], predicted_age_lower=[12, 15], predicted_age_upper=[8, 25],
    )  # fmt: skip
    models, notes = read(path)
    assert models["t"].sexed.tolist() == [False, True]
    assert np.isnan(models["t"].lower).tolist() == [True, False]
    assert notes == ["t.tsv: 1 probabilities are not between 0 and 1",
                     "t.tsv: 1 intervals end before they begin"]  # fmt: skip


def test_numbers_beyond_all_measure_are_none(tmp_path):
    models, notes = read(write(tmp_path / "t.tsv", age=[1e300, 20], predicted_age=[10, 21]))
    assert len(models["t"]) == 1 and "1 without an age" in notes[0]


def test_row_names_without_a_header_do_not_shift_the_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("age,predicted_age\n1,10,11\n2,20,21\n")
    assert read(path)[0]["t"].age.tolist() == [10, 20]
    path.write_text("age,predicted_age\n1,2,10,11\n")
    with pytest.raises(InputError, match="longer than its header"):
        read(path)


def test_whole_sites_need_a_site(tmp_path):
    columns = {"age": [10, 20], "predicted_age": [11, 21]}
    people = read(write(tmp_path / "s.tsv", site=["A", "B"], **columns), cluster="site")[0]["s"]
    assert people.cluster.tolist() == ["A", "B"]
    with pytest.raises(InputError, match=r"without a site.*--site-column"):
        read(write(tmp_path / "t.tsv", **columns), cluster="site")


def test_corrected_predictions_are_refused_or_told(tmp_path):
    gap = np.array([1.0, -2.0, 3.0])
    age = np.array([10.0, 20.0, 30.0])
    path = write(tmp_path / "t.tsv", age=age, predicted_age=age + gap,
                 brain_age_gap=gap + 1, brain_age_gap_corrected=gap)  # fmt: skip
    with pytest.raises(InputError, match="ages plus brain_age_gap_corrected"):
        read(path)
    path = write(tmp_path / "t.tsv", age=age, predicted_age=age + gap, brain_age_gap=gap,
                 brain_age_gap_corrected=gap)  # fmt: skip
    assert read(path)[1] == []
    path = write(tmp_path / "t.tsv", age=age, predicted_age_corrected=age + gap)
    notes = read(path, {"predicted": "predicted_age_corrected"})[1]
    assert "no accuracy" in notes[0]


def test_a_table_without_anyone_of_known_age_is_refused(tmp_path):
    path = write(tmp_path / "t.tsv", age=[np.nan, 20], predicted_age=[10, np.nan])
    with pytest.raises(InputError, match="nobody has both age and predicted_age"):
        read(path)
    with pytest.raises(MissingInputError):
        read(tmp_path / "no.tsv")


def test_impossible_ages_are_left_out_and_counted(tmp_path):
    path = write(tmp_path / "t.tsv", age=[240, 30], predicted_age=[20, 30])
    models, notes = read(path)
    assert notes == ["t.tsv: left out for an age above 120 years: 1"]
    assert models["t"].age.tolist() == [30]


def test_a_table_of_ages_in_months_is_refused(tmp_path):
    path = write(tmp_path / "t.tsv", age=[240, 300], predicted_age=[20, 30])
    with pytest.raises(InputError, match="all ages are above 120"):
        read(path)

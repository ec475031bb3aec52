import numpy as np
import pytest

from bids_brainage.errors import BrainAgeError, InputError, MissingInputError, UsageError
from bids_brainage.training.autoencoder.labels import (
    BINS,
    age_bins,
    bin_limits,
    number_codes,
    ordered_bins,
    read_age_labels,
    read_sex_labels,
    text_codes,
)


def test_bins_are_coded_by_their_order_in_years():
    ages = np.array([22.0, 25.99, 26.0, 33.0, 36.0, 80.0, 21.9, np.nan])
    assert age_bins(ages, ("36+", "31-35", "22-25", "26-30")).tolist() == [0, 0, 1, 2, 3, 3, -1, -1]


def test_a_bin_lasts_until_the_birthday_after_its_last_year():
    assert bin_limits("22-25") == (22.0, 26.0)
    assert bin_limits(" 36 + ") == (36.0, float("inf"))


@pytest.mark.parametrize("name", ["old", "30-20", "22:25", ""])
def test_a_text_that_is_no_bin_is_refused(name):
    with pytest.raises(UsageError, match="age bin"):
        bin_limits(name)


def test_overlapping_bins_and_single_bins_are_refused():
    with pytest.raises(UsageError, match="overlap"):
        ordered_bins(("22-26", "26-30"))
    with pytest.raises(UsageError):
        ordered_bins(("22-26",))


def test_both_codings_give_the_same_people(tmp_path):
    texts = ["26-30", "22-25", "31-35", "36+", "22-25"]
    appearance = np.array([0, 1, 2, 3, 1])
    years = np.array([1, 0, 2, 3, 0])
    expected = text_codes(texts, BINS, tmp_path).tolist()
    assert expected == years.tolist()
    assert number_codes(appearance, BINS, "appearance", tmp_path).tolist() == expected
    assert number_codes(years, BINS, "years", tmp_path).tolist() == expected


def test_numbers_without_a_coding_are_refused(tmp_path):
    np.save(tmp_path / "age.npy", np.array([0, 1, 2]))
    with pytest.raises(UsageError, match="no coding is named"):
        read_age_labels(tmp_path / "age.npy")


def test_the_counts_of_the_whole_data_tell_a_wrong_coding(tmp_path):
    appearance = np.repeat([0, 1, 2, 3], [486, 231, 383, 13])
    assert np.bincount(number_codes(appearance, BINS, "appearance", tmp_path)).tolist() == [
        231, 486, 383, 13,
    ]  # fmt: skip
    with pytest.raises(InputError, match="486 people of 22-25"):
        number_codes(appearance, BINS, "years", tmp_path)


def test_sexes_are_read_as_words_or_numbers(tmp_path):
    np.save(tmp_path / "sex.npy", np.array([0, 1, 1], np.uint8))
    assert read_sex_labels(tmp_path / "sex.npy").tolist() == [1.0, 0.0, 0.0]
    (tmp_path / "sex.csv").write_text("Subject,Gender\n2,M\n1,F\n3,\n")
    found = read_sex_labels(tmp_path / "sex.csv", ["1", "2", "3"])
    assert found[:2].tolist() == [1.0, 0.0]
    assert np.isnan(found[2])


def test_swapped_sexes_of_the_whole_data_are_refused(tmp_path):
    np.save(tmp_path / "sex.npy", np.repeat([1, 0], [606, 507]))
    with pytest.raises(InputError, match="606 men"):
        read_sex_labels(tmp_path / "sex.npy")


@pytest.mark.parametrize(
    "text",
    ["Subject,Age\n7,22-25\n5,36+\n6,26-30\n", "22-25\n36+\n26-30\n"],
)
def test_tables_are_matched_by_subject_or_by_order(tmp_path, text):
    (tmp_path / "age.csv").write_text(text)
    found = read_age_labels(tmp_path / "age.csv", subjects=["7", "5", "6"])
    assert found.tolist() == [0, 3, 1]


def test_a_column_of_codes_and_an_array_of_texts_are_read(tmp_path):
    (tmp_path / "age.csv").write_text(",age\n0,1\n1,0\n")
    assert read_age_labels(tmp_path / "age.csv", coding="years").tolist() == [1, 0]
    np.save(tmp_path / "age.npy", np.array(["36+", "22-25"]))
    assert read_age_labels(tmp_path / "age.npy").tolist() == [3, 0]


@pytest.mark.parametrize(
    "name, content, error",
    [
        ("age.csv", "", "empty"),
        ("age.csv", "22-25\n99-120\n", "none of the bins"),
        ("age.csv", "Subject,Height\n1,2\n", "no column age"),
        ("age.csv", "22-25\n", "1 labels for 2 people"),
        ("age.csv", "7\n8\n", "age code 7"),
        ("age.csv", "Subject,Age\n1\n2\n", "shorter"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, name, content, error):
    (tmp_path / name).write_text(content)
    with pytest.raises(BrainAgeError, match=error):
        read_age_labels(tmp_path / name, coding="years", subjects=["1", "2"])


def test_pickled_and_absent_labels_are_refused(tmp_path):
    np.save(tmp_path / "age.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError):
        read_age_labels(tmp_path / "age.npy")
    with pytest.raises(MissingInputError):
        read_age_labels(tmp_path / "other.npy")


def test_contradictory_labels_of_a_subject_are_told(tmp_path):
    path = tmp_path / "age.csv"
    path.write_text("Subject,Age\n1,22-25\n2,36+\n1, 22-25\n")
    assert read_age_labels(path, BINS, subjects=["1", "2"]).tolist() == [0, 3]
    path.write_text("Subject,Age\n1,22-25\n2,36+\n1,36+\n")
    with pytest.raises(InputError, match="age of subject 1 is both '22-25' and '36\\+'"):
        read_age_labels(path, BINS, subjects=["1", "2"])


def test_people_without_a_label_are_told(tmp_path, caplog):
    path = tmp_path / "age.csv"
    path.write_text("Subject,Age\n1,22-25\n")
    assert read_age_labels(path, BINS, subjects=["1", "2"]).tolist() == [0, -1]
    assert "no age of 1 people, such as 2" in caplog.text
    with pytest.raises(InputError, match="none of 2 people, such as HCP1, is in it"):
        read_age_labels(path, BINS, subjects=["HCP1", "HCP2"])

import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.demographics import read_demographics
from bids_brainage.records.session import SessionKey

KEY = SessionKey("01")


@pytest.fixture
def read(tree):
    def run(table: str | bytes | None, described: dict | None = None, key: SessionKey = KEY):
        tree.put("sub-01/anat/sub-01_T1w.nii.gz", b"")
        if table is not None:
            tree.put("participants.tsv", table)
        if described is not None:
            tree.put("participants.json", described)
        return read_demographics(open_dataset(tree.root), key)

    return run


def said(demographics):
    return "\n".join(demographics.notes)


@pytest.mark.parametrize("column", ["participant_id", "Participant_ID", "participant", "subject",
                                    "subject_id", "SubjectID"])  # fmt: skip
@pytest.mark.parametrize("label", ["sub-01", "01"])
def test_participants_are_found_by_any_common_column(read, column, label):
    found = read(f"{column}\tage\tsex\nsub-02\t40\tM\n{label}\t25\tF\n")
    assert (found.age, found.sex) == (25, "F")


@pytest.mark.parametrize(
    "column", ["age", "Age", "AGE", "age_at_scan", "AgeAtScan", "age_years", "age (years)",
               "age.at.scan", "age_at_first_scan_years", "Age_in_Years", "ageYears", "age_w1"],
)  # fmt: skip
def test_age_is_found_by_any_common_column(read, column):
    assert read(f"participant_id\t{column}\nsub-01\t25\n").age == 25


@pytest.mark.parametrize("column", ["age_months", "AgeMonths", "age (months)", "interview_age"])
def test_months_in_the_column_name_count(read, column):
    found = read(f"participant_id\t{column}\nsub-01\t300\n")
    assert found.age == 25 and "months" in said(found)


@pytest.mark.parametrize("column", ["age_of_onset", "brain_age", "language", "page", "usage"])
def test_other_columns_are_not_age(read, column):
    assert read(f"participant_id\t{column}\nsub-01\t25\n").age is None


@pytest.mark.parametrize(
    ("units", "value", "years"),
    [("months", "300", 25), ("weeks", "1304.46", 25), ("days", "9131.25", 25), ("year", "25", 25),
     ("Years, rounded", "25", 25), ("furlongs", "25", 25)],
)  # fmt: skip
def test_units_of_the_sidecar_count(read, units, value, years):
    found = read(f"participant_id\tAge\nsub-01\t{value}\n", {"age": {"Units": units}})
    assert found.age == pytest.approx(years, abs=0.01)
    assert ("years are assumed" in said(found)) == (units == "furlongs")


@pytest.mark.parametrize(
    ("text", "sex"),
    [("M", "M"), ("F", "F"), ("m", "M"), ("f", "F"), ("male", "M"), ("Female", "F"), ("MAN", "M"),
     ("woman", "F"), ("F (female)", "F")],
)  # fmt: skip
@pytest.mark.parametrize("column", ["sex", "Sex", "GENDER", "gender", "biological_sex"])
def test_sex_is_read_in_words(read, column, text, sex):
    assert read(f"participant_id\t{column}\nsub-01\t{text}\n").sex == sex


@pytest.mark.parametrize(
    "levels",
    [{"1": "male", "2": "female"}, {"1": "M", "2": "F"}, {"male": 1, "female": 2},
     {"1": {"Description": "Male"}, "2": {"Description": "Female"}},
     {"1.0": "man", "2.0": "woman"}],
)  # fmt: skip
def test_sex_codes_need_levels(read, levels):
    assert read("participant_id\tsex\nsub-01\t2\n", {"sex": {"Levels": levels}}).sex == "F"


def test_sex_codes_without_levels_are_refused_with_the_remedy(read):
    found = read("participant_id\tsex\nsub-01\t1\n")
    assert found.sex is None and "Levels" in said(found)


@pytest.mark.parametrize("text", ["other", "intersex", "D", "non-binary"])
def test_other_sexes_become_none(read, text):
    found = read(f"participant_id\tsex\nsub-01\t{text}\n")
    assert found.sex is None and text in said(found)


@pytest.mark.parametrize("text", ["n/a", "NA", "", "unknown", "-999"])
def test_missing_values_become_none(read, text):
    found = read(f"participant_id\tage\tsex\nsub-01\t{text}\t{text}\n")
    assert (found.age, found.sex) == (None, None)
    assert "age is missing" in said(found) and "sex is missing" in said(found)


@pytest.mark.parametrize(
    "table",
    [None, "", "\n", "sub-01\t25\n", "x\ty\n1\t2\n", "participant_id\tage\nsub-02\t25\n",
     b"\x00\xff",
     "participant_id\tage\nsub-01\told\n", '"\n"\n"', b"\xff\xfe\x00"],
)  # fmt: skip
def test_nothing_about_the_table_fails(read, table):
    found = read(table)
    assert (found.age, found.sex) == (None, None) and found.notes


def test_a_broken_sidecar_fails_nothing(read, tree):
    tree.put("participants.json", "{ broken")
    assert read("participant_id\tage\nsub-01\t25\n").age == 25


def test_ages_are_noted_when_not_plain(read):
    assert "range" in said(read("participant_id\tage\nsub-01\t20-25\n"))


def test_the_next_age_column_is_used_when_the_first_is_missing(read):
    assert read("participant_id\tage\tage_at_scan\nsub-01\tn/a\t25\n").age == 25


def test_repeated_rows_use_the_first(read):
    found = read("participant_id\tage\nsub-01\t25\nsub-01\t30\n")
    assert found.age == 25 and "2 rows" in said(found)


def test_cut_leading_zeros_are_matched_with_a_note(read):
    found = read("participant_id\tage\n1\t25\n2\t30\n")
    assert found.age == 25 and "row '1' is taken for sub-01" in said(found)


def test_cut_leading_zeros_never_take_another_participants_row(read, tree):
    tree.put("sub-1/anat/sub-1_T1w.nii.gz", b"")
    assert read("participant_id\tage\nsub-1\t25\n").age is None


@pytest.mark.parametrize(
    ("folders", "rows"), [(("001", "1"), ("01",)), (("001",), ("1", "01")), (("001", "1"), ("1",))]
)
def test_lost_leading_zeros_that_fit_several_give_nobody_an_age(tree, folders, rows):
    for label in folders:
        tree.raw(f"sub-{label}", "T1w.nii.gz")
    tree.put("participants.tsv", "participant_id\tage\n" + "".join(f"{r}\t25\n" for r in rows))
    dataset = open_dataset(tree.root)
    unclear = [p for p in folders if p not in rows]
    assert all(read_demographics(dataset, SessionKey(p)).age is None for p in unclear)


def test_session_labels_that_lost_zeros_are_matched_with_a_note(read, tree):
    tree.put("sub-01/sub-01_sessions.tsv", "session_id\tage\n1\t30\n2\t31\n")
    found = read(None, key=SessionKey("01", "02"))
    assert found.age == 31 and "row '2' is taken for ses-02" in said(found)
    table = "participant_id\tsession\tage\nsub-01\t1\t25\nsub-01\t2\t26\n"
    (tree.root / "sub-01" / "sub-01_sessions.tsv").unlink()
    assert read(table, key=SessionKey("01", "02")).age == 26


def test_codes_and_labels_of_any_length_are_read(read):
    digits = "1" * 5000
    found = read(f"participant_id\tage\tsex\n{digits}\t25\tF\nsub-01\t25\t{digits}\n")
    assert (found.age, found.sex) == (25, None)
    described = {"sex": {"Levels": {"01": "female", digits: "male"}}}
    assert read("participant_id\tsex\nsub-01\t1.0\n", described).sex == "F"


def test_sessions_table_comes_first_and_sex_is_completed(read, tree):
    tree.put("sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz", b"")
    tree.put("sub-01/sub-01_sessions.tsv", "session_id\tage\nses-1\t30\nses-2\t31\n")
    found = read("participant_id\tage\tsex\nsub-01\t25\tF\n", key=SessionKey("01", "2"))
    assert (found.age, found.sex) == (31, "F")
    assert "age 31 from sub-01_sessions.tsv" in said(found)


def test_units_of_the_sessions_sidecar_count(read, tree):
    tree.put("sub-01/sub-01_sessions.tsv", "session_id\tage\n1\t312\n")
    tree.put("sub-01/sub-01_sessions.json", {"age": {"Units": "months"}})
    assert read(None, key=SessionKey("01", "1")).age == 26


def test_sessions_table_without_the_session_falls_back(read, tree):
    tree.put("sub-01/sub-01_sessions.tsv", "session_id\tage\nses-1\t30\n")
    assert read("participant_id\tage\nsub-01\t25\n", key=SessionKey("01", "2")).age == 25


def test_session_column_of_the_participants_table_counts(read):
    table = "participant_id\tsession_id\tage\nsub-01\tses-1\t25\nsub-01\tses-2\t26\n"
    assert read(table, key=SessionKey("01", "2")).age == 26
    found = read(table, key=SessionKey("01", "3"))
    assert found.age == 25 and "no row of ses-3" in said(found)


def test_tables_of_the_raw_dataset_serve_an_fmriprep_bids_dir(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("participants.tsv", "participant_id\tage\nsub-01\t25\n")
    tree.fmriprep("sub-01", "task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz")
    tree.describe("derivatives/fmriprep/", DatasetType="derivative")
    dataset = open_dataset(tree.root / "derivatives" / "fmriprep")
    assert read_demographics(dataset, SessionKey("01")).age == 25

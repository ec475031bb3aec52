import pytest

from bids_brainage.bids.tables import participant_labels, read_table

ROWS = (("sub-01", "25", "F"), ("sub-02", "", "M"))


@pytest.mark.parametrize(
    "content",
    [
        b"participant_id\tage\tsex\nsub-01\t25\tF\nsub-02\t\tM\n",
        b"\xef\xbb\xbfparticipant_id\tage\tsex\r\nsub-01\t25\tF\r\nsub-02\t\tM",
        b"participant_id\tage\tsex\rsub-01\t25\tF\rsub-02\t\tM\r",
        b"participant_id,age,sex\nsub-01,25,F\nsub-02,,M\n",
        b'participant_id;age;sex\n"sub-01";"25";F\nsub-02;;M\n',
        b'"participant_id"\t"age"\t"sex"\n"sub-01"\t"25"\t"F"\n"sub-02"\t""\t"M"\n',
        b"participant_id\tage\tsex\t\t\nsub-01\t25\tF\t\t\nsub-02\t\tM\t\t\n\t\t\t\t\n\n",
        b" participant_id \t age\tsex\nsub-01 \t25 \tF\n\nsub-02\t\tM\n",
        "participant_id\tage\tsex\nsub-01\t25\tF\nsub-02\t\tM\n".encode("utf-16"),
        b"participant_id\tage\tsex\nsub-01\t25\tF\tx\tx\nsub-02\t\tM\n",
    ],
)
def test_tables_are_read_however_they_are_written(tmp_path, content):
    path = tmp_path / "participants.tsv"
    path.write_bytes(content)
    table = read_table(path)
    assert table.columns == ("participant_id", "age", "sex")
    assert table.rows == ROWS and table.problem == ""


def test_a_stray_quote_swallows_nothing(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_text('participant_id\tnote\tage\nsub-01\t5" scar\t25\nsub-02\t"open\t30\n')
    assert [row[2] for row in read_table(path).rows] == ["25", "30"]


def test_short_rows_are_filled_and_latin1_is_read(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_bytes("participant_id\tname\tage\nsub-01\tJosé\n".encode("latin-1"))
    assert read_table(path).rows == (("sub-01", "José", ""),)


def test_huge_cells_are_no_problem(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_text('participant_id,note,age\nsub-01,"' + "x" * 300_000 + '",25\n')
    assert read_table(path).rows[0][2] == "25"


def test_a_missing_header_is_a_problem(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_text("sub-01\t25\tF\n")
    assert "no header" in read_table(path).problem


def test_absent_empty_and_broken_tables_are_told_apart(tmp_path):
    path = tmp_path / "participants.tsv"
    assert read_table(path) is None
    path.write_text("\n\n")
    assert "empty" in read_table(path).problem
    path.unlink()
    path.symlink_to("absent")
    assert "broken link" in read_table(path).problem


def test_a_table_is_read_once_until_it_changes(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\nsub-01\n")
    assert read_table(path) is read_table(path)
    path.write_text("participant_id\nsub-01\n02\n")
    assert participant_labels(path) == {"01", "02"}

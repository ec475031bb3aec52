import pytest

from bids_brainage.bids.text import counted, printable, read_json_object


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "line 1"), (b"[]", "not a JSON object"), (b"[" * 100_000, "not JSON"), (b"", "line 1")],
)
def test_broken_json_is_a_problem_in_words(tmp_path, content, said):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    found, problem = read_json_object(path)
    assert found == {} and said in problem and "x.json" in problem


def test_absent_json_is_no_problem_but_a_broken_link_is(tmp_path):
    path = tmp_path / "x.json"
    assert read_json_object(path) == ({}, "")
    path.symlink_to("absent")
    assert "broken link" in read_json_object(path)[1]


def test_latin1_json_is_read(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes('{"a": "é"}'.encode("latin-1"))
    assert read_json_object(path) == ({"a": "é"}, "")


def test_one_thing_is_singular():
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_names_cannot_steer_a_terminal():
    assert printable("sub-01\x1b[2J\n\udce9") == "sub-01?[2J??"
    assert printable("Größe, naïve\xa0study") == "Größe, naïve\xa0study"

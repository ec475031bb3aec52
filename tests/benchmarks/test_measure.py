import pytest

from benchmarks.measure import in_turns, measure

PRINTS = "import json, os; print('words'); print(json.dumps({'threads': int(os.environ[%r])}))"


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_ways_get_the_same_number_of_threads(name):
    ways = {way: ["-c", PRINTS % name] for way in ("a", "b")}
    assert in_turns(ways, 2, 3) == {"a": {"threads": 3}, "b": {"threads": 3}}


def test_ways_take_turns(tmp_path):
    log = tmp_path / "log"
    code = "open(%r, 'a').write(%r); print('{\"x\": 1}')"
    in_turns({way: ["-c", code % (str(log), way)] for way in "abc"}, 2, 1)
    assert log.read_text() == "abcabc"


def test_setup_is_not_counted():
    found = measure("pass", "time.sleep(0.2)", repeats=1)
    assert found["seconds"] < 0.1
    assert found["peak_mb"] > 1

import threading

import pytest

from bids_brainage.predict.read_ahead import read_ahead


@pytest.mark.parametrize(("readers", "ahead"), [(1, 4), (4, 0), (2, 1), (2, 5), (8, 3), (3, 100)])
def test_everything_is_read_in_order(readers, ahead):
    assert list(read_ahead(str, range(20), readers, ahead)) == [str(n) for n in range(20)]


def test_no_more_is_read_than_asked_for():
    started = []
    for asked, _ in enumerate(read_ahead(started.append, range(20), 4, 3), start=1):
        assert len(started) <= asked + 3
    assert sorted(started) == list(range(20))


def test_several_are_read_at_once():
    together = threading.Barrier(3, timeout=5)

    def read(number):
        together.wait()
        return number

    assert list(read_ahead(read, range(6), 3, 3)) == list(range(6))


def test_an_error_comes_when_its_item_does():
    def read(number):
        if number == 2:
            raise ValueError(number)
        return number

    found = read_ahead(read, range(5), 2, 4)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ValueError, match="2"):
        next(found)


def test_what_nobody_asks_for_is_not_read():
    started = []
    found = read_ahead(started.append, range(50), 2, 4)
    next(found)
    found.close()
    assert len(started) <= 5
    assert not [t for t in threading.enumerate() if t.name.startswith("reader")]

"""Measures at other ages from the trained family."""

from tests.aging import MadeUpTraverser


def test_ages_of_the_table_are_those_the_model_knows():
    assert MadeUpTraverser(age_range=(22.0, 36.4)).grid() == (25, 30, 35)
    assert MadeUpTraverser(age_range=(22.2, 24.4)).grid() == (23, 24)
    assert MadeUpTraverser(age_range=(22.2, 22.4)).grid() == (22.2, 22.4)

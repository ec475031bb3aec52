"""Arrays and tables of features of any content are read or refused with their place."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.app.files import read_frame
from bids_brainage.errors import InputError
from bids_brainage.training.array_files import read_array
from tests.fuzzing import fuzz, mutated, no_hang

TABLE = b"participant_id\tage\tpredicted_age\tmodel\nsub-01\t25\t26.5\tm\nsub-02\t30\tn/a\tm\n"


def saved(save, *values) -> bytes:
    file = io.BytesIO()
    save(file, *values)
    return file.getvalue()


ARRAY = saved(np.save, np.arange(12.0).reshape(3, 4))
ARCHIVE = saved(np.savez, np.arange(3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.filterwarnings("ignore:Reading `.npy`:UserWarning")
@fuzz
@given(st.one_of(mutated(ARRAY), mutated(ARRAY[:80]).map(lambda head: head + ARRAY[80:]),
                 mutated(ARCHIVE)))  # fmt: skip
def test_any_array_is_numbers_or_refused(folder, content):
    path = folder / "a.npy"
    path.write_bytes(content)
    with no_hang():
        try:
            assert read_array(path).dtype.kind in "fiub"
        except InputError as error:
            assert error.place == str(path)


@fuzz
@given(mutated(TABLE), st.sampled_from([".tsv", ".csv", ".tsv.gz"]), st.booleans())
def test_any_table_of_features_is_read_or_refused(folder, content, extension, packed):
    path = folder / f"a{extension}"
    path.write_bytes(gzip.compress(content) if packed else content)
    with no_hang():
        try:
            read_frame(path)
        except InputError as error:
            assert error.place == str(path)


def test_broken_arrays_are_told(folder):
    path = folder / "b.npy"
    for content in (
        ARRAY.replace(b"{", b"{{", 1),
        ARRAY.replace(b"(3, 4)", b"(9,99)"),
        ARCHIVE[:99],
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match="array"):
            read_array(path)

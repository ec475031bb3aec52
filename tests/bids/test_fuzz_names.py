"""File names, labels and filters of any content stay inside the dataset."""

import contextlib
import json
import os
import shutil

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.entities import list_files, name_file
from bids_brainage.bids.filters import parse_filters, read_filters
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.outputs import extraction_log, start_marker
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.bids.scan import SUBJECT_FOLDER
from bids_brainage.bids.selection import select_sessions
from bids_brainage.errors import DatasetError, SelectionError, UsageError
from bids_brainage.records.session import SessionKey
from tests.fuzzing import fuzz, json_values, mutated, no_hang, texts

STEM = b"sub-01_task-rest_acq-a_run-01_echo-2_part-mag_space-MNI152NLin6Asym_desc-preproc"
IMAGE = nib.Nifti1Image(np.zeros((2, 2, 2, 3), np.int16), np.eye(4)).to_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def dataset(folder):
    for label in ("01", "02", "A+3"):
        (folder / "labels" / f"sub-{label}" / "anat").mkdir(parents=True)
    return open_dataset(folder / "labels")


def as_name(content: bytes) -> str:
    """A name that a file can have."""
    return os.fsdecode(content.replace(b"/", b"_").replace(b"\0", b"0")[:200]) or "x"


names = mutated(STEM).map(as_name)
suffixes = st.sampled_from(["_bold.nii.gz", "_T1w.nii", "_bold.json", "_timeseries.tsv", ""])


@fuzz
@given(names, suffixes)
def test_any_file_name_is_parsed(folder, stem, suffix):
    path = folder / "sub-01" / "func" / (stem + suffix)
    with no_hang():
        file = name_file(folder, path)
    assert file.path == path
    assert all(isinstance(value, str) for value in file.entities.values())
    assert file.run_identity is not None


@fuzz
@given(st.lists(st.tuples(names, suffixes), max_size=4), mutated(b'{"RepetitionTime": 2.0}'))
def test_images_of_any_names_are_chosen_from_their_own_participant(folder, files, sidecar):
    root = folder / "images"
    shutil.rmtree(root, ignore_errors=True)
    for place in ("sub-01/anat", "sub-01/func", "derivatives/fmriprep/sub-01/func"):
        (root / place).mkdir(parents=True)
        for stem, suffix in files:
            with contextlib.suppress(OSError):
                (root / place / (stem + suffix)).write_bytes(IMAGE)
    (root / "task-rest_bold.json").write_bytes(sidecar)
    with no_hang():
        opened = open_dataset(root)
        for key in select_sessions(opened):
            inputs = find_inputs(opened, key, InputSelection())
            chosen = [run.bold for run in inputs.runs] + [run.path for run in inputs.raw_runs]
            chosen += [inputs.t1w.path] if inputs.t1w else []
            assert all(path.name.startswith("sub-01_") for path in chosen)
            assert all(path.resolve().is_relative_to(root.resolve()) for path in chosen)
            " ".join([*inputs.notes, *inputs.problems]).encode()
        listed = list_files(root, root / "sub-01" / "func", SessionKey("01"), [])
    assert all(file.path.parent == root / "sub-01" / "func" for file in listed)


@fuzz
@given(st.lists(st.one_of(texts, mutated(b"sub-01").map(as_name)), min_size=1, max_size=3), texts)
def test_asked_labels_never_leave_the_dataset_nor_the_output(dataset, labels, session):
    try:
        keys = select_sessions(dataset, labels, (session,) if session else ())
    except SelectionError as error:
        assert error.place and error.hint
        return
    for key in keys:
        assert key.participant in dataset.participants
        for path in (extraction_log(dataset.root, key), start_marker(dataset.root, key)):
            assert path.resolve().is_relative_to(dataset.root)


@fuzz
@given(st.lists(mutated(b"sub-01").map(as_name), max_size=4), mutated(b"ses-1").map(as_name))
def test_folders_of_any_names_give_valid_labels_only(folder, names, session):
    root = folder / "folders"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name in names:
        with contextlib.suppress(OSError):
            (root / name / session / "anat").mkdir(parents=True, exist_ok=True)
    with no_hang():
        try:
            opened = open_dataset(root)
        except DatasetError as error:
            assert error.place and error.hint
            return
        for key in select_sessions(opened):
            assert SUBJECT_FOLDER.fullmatch(key.participant_id)
            assert not key.session or key.session.replace("+", "a").isalnum()
            assert (root / key.folder).resolve().is_relative_to(root.resolve())
        " ".join(opened.notes).encode()


FILTER = json.dumps({"bold": {"task": "rest", "run": 1, "acquisition": None, "part": ["mag", None]},
                     "t1w": {"session": "Query.ANY", "regex_search": True}}).encode()  # fmt: skip
queries = st.dictionaries(
    st.sampled_from(["bold", "t1w", "fmap", "x"]),
    st.one_of(json_values, st.dictionaries(
        st.sampled_from(["task", "run", "part", "extension", "regex_search", "acq"]), json_values)),
    max_size=2,
)  # fmt: skip


@fuzz
@given(st.one_of(json_values, queries), mutated(FILTER))
def test_any_filter_is_applied_or_refused_with_the_place(folder, content, written):
    path = folder / "filter.json"
    path.write_bytes(written)
    file = name_file(folder, folder / "sub-01" / "func" / f"{STEM.decode()}_bold.nii.gz")
    for read in (lambda: parse_filters(content, path), lambda: read_filters(path)):
        try:
            filters = read()
        except UsageError as error:
            assert error.place == str(path)
            continue
        for query in filters.values():
            assert isinstance(query.failing(file.entities), str)

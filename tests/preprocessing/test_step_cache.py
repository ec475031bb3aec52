"""Results of steps come back from disk as they were; half-written or foreign ones do not."""

import os
import shutil

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import OutputError
from bids_brainage.preprocessing import step_cache
from bids_brainage.preprocessing.step_cache import StepCache, digest, fingerprint


def values():
    image = nib.Nifti1Image(np.arange(8, dtype=np.float32).reshape(2, 2, 2), np.diag([2, 2, 2, 1]))
    return {"image": image, "array": np.eye(3), "numbers": {"a": 1, "b": [1.5, None]}, "text": "x"}


def test_a_step_is_computed_once_per_key(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return values()

    for _ in range(2):
        found = StepCache(tmp_path).step("n4", {"shrink": 4}, compute)
        assert np.array_equal(found["image"].dataobj, values()["image"].dataobj)
        assert np.array_equal(found["image"].affine, values()["image"].affine)
        assert np.array_equal(found["array"], np.eye(3))
        assert found["numbers"] == {"a": 1, "b": [1.5, None]} and found["text"] == "x"
    assert len(calls) == 1
    StepCache(tmp_path).step("n4", {"shrink": 2}, compute)
    assert len(calls) == 2


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert StepCache().step("n4", {}, lambda: {"x": 1}) == {"x": 1}
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_fails_leaves_nothing(tmp_path):
    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        StepCache(tmp_path).step("n4", {}, broken)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_result_is_computed_again(tmp_path):
    cache = StepCache(tmp_path)
    cache.step("n4", {}, values)
    place = tmp_path / f"n4-{digest({})}"
    (place / "array.npy").write_bytes(b"cut off")
    assert np.array_equal(cache.step("n4", {}, values)["array"], np.eye(3))
    (place / "done.json").write_text("{")
    assert cache.step("n4", {}, values)["text"] == "x"


def test_a_work_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--work-dir"):
        StepCache(tmp_path / "file").step("n4", {}, values)


def test_a_folder_removed_by_another_run_costs_the_cache_only(tmp_path, monkeypatch):
    fill = step_cache._fill

    def removed_meanwhile(draft, content):
        shutil.rmtree(draft.parent)
        fill(draft, content)

    monkeypatch.setattr(step_cache, "_fill", removed_meanwhile)
    assert StepCache(tmp_path / "work").step("n4", {}, values)["text"] == "x"
    assert not list(tmp_path.iterdir())


def test_drafts_of_killed_runs_are_removed(tmp_path):
    old, new = (tmp_path / f"n4-{digest({})}.{end}" for end in ("0123abcd", "89abcdef"))
    for draft in (old, new):
        draft.mkdir()
        (draft / "image.nii").write_text("half")
    os.utime(old, (1, 1))
    StepCache(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_a_replaced_file_has_another_fingerprint(tmp_path):
    path = tmp_path / "image.nii"
    path.write_bytes(b"1")
    before = fingerprint(path)
    assert fingerprint(path) == before
    path.write_bytes(b"12")
    assert fingerprint(path) != before

import json

import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.features.tissue_volumes import volume_names
from bids_brainage.training.images.people import (
    Person,
    load_people,
    measured_volumes,
    read_table,
)


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("sub-1.nii.gz", "sub-10.nii.gz", "sub-2.nii"):
        (images / name).touch()
    return images


ROWS = [("sub-1.nii.gz", "20.5", "0"), ("sub-10", "30", "1"), ("sub-2.nii", "41", "n/a")]


def write(path, rows, header=None, separator="\t"):
    lines = ([header] if header else []) + rows
    path.write_text("\n".join(separator.join(row) for row in lines) + "\n")
    return path


@pytest.mark.parametrize("header", [None, ("file", "age", "sex")])
@pytest.mark.parametrize(("ending", "separator"), [("tsv", "\t"), ("csv", ",")])
def test_table_with_and_without_header_names_age_and_sex(folder, tmp_path, header, ending,
                                                         separator):  # fmt: skip
    table = write(tmp_path / f"t.{ending}", ROWS, header, separator)
    people = load_people(folder, table)
    assert [(p.label, p.age, p.sex) for p in people] == [
        ("sub-1", 20.5, "F"), ("sub-10", 30.0, "M"), ("sub-2", 41.0, None)
    ]  # fmt: skip


def test_names_match_whole(folder, tmp_path):
    table = write(tmp_path / "t.tsv", [("sub-1", "20", "F"), ("sub-10", "30", "M"),
                                       ("sub-2", "40", "female")])  # fmt: skip
    assert [p.image.name for p in load_people(folder, table)] == [
        "sub-1.nii.gz", "sub-10.nii.gz", "sub-2.nii"
    ]  # fmt: skip


def test_sex_codes_are_declared(folder, tmp_path):
    table = write(tmp_path / "t.tsv", ROWS)
    assert [p.sex for p in load_people(folder, table, {"1": "F", "0": "M"})] == ["M", "F", None]


def test_every_bad_row_is_named(folder, tmp_path):
    rows = [("sub-1", "old", "0"), ("sub-10", "30", "7"), ("sub-1", "20", "0")]
    with pytest.raises(InputError) as error:
        load_people(folder, write(tmp_path / "t.tsv", rows, ("f", "a", "s")))
    for said in ("row 2 (sub-1): age 'old'", "row 3 (sub-10): sex '7'", "row 4 (sub-1): twice",
                 "sub-2.nii: no row"):  # fmt: skip
        assert said in str(error.value)


def test_rows_of_other_images_are_no_fault(folder, tmp_path):
    people = load_people(folder, write(tmp_path / "t.tsv", [*ROWS, ("sub-99", "50", "1")]))
    assert len(people) == 3


def test_rows_without_a_word_are_passed_over(folder, tmp_path):
    table = write(tmp_path / "t.csv", [*ROWS, ("", "", "")], separator=",")
    assert len(load_people(folder, table)) == 3


def test_images_of_one_person_in_names_of_bids_have_one_label(tmp_path):
    names = ["sub-1_ses-1_T1w.nii.gz", "sub-1_ses-2_T1w.nii.gz", "a.1.nii.gz", "a.2.nii"]
    for name in names:
        (tmp_path / name).touch()
    table = write(tmp_path / "t.tsv", [(name, "20", "0") for name in names])
    assert [p.label for p in load_people(tmp_path, table)] == ["sub-1", "sub-1", "a.1", "a.2"]


def test_excel_without_its_reader_says_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "t.xlsx"
    path.touch()

    def absent(*_, **__):
        raise ImportError("Missing optional dependency 'openpyxl'")

    monkeypatch.setattr(pd, "read_excel", absent)
    with pytest.raises(InputError, match="Save it as csv"):
        read_table(path)


def test_participant_level_gives_people_with_an_age(tmp_path):
    stem = "space-MNI152NLin6Asym_res-2"
    for label, age in (("01", 33.0), ("02", None)):
        anat = tmp_path / f"sub-{label}" / "anat"
        anat.mkdir(parents=True)
        names = [f"sub-{label}_{stem}_{kind}.nii.gz" for kind in
                 ("desc-preproc_T1w", "desc-brain_mask")]  # fmt: skip
        derivatives = {
            "anatomical": [f"sub-{label}/anat/{n}" for n in names],
            "volumes": f"sub-{label}/anat/sub-{label}_desc-volumes_morph.tsv",
        }
        log = {"participant": label, "session": "", "status": "ok", "age": age, "sex": "F",
               "derivatives": derivatives}  # fmt: skip
        (anat.parent / f"sub-{label}_desc-extraction_log.json").write_text(json.dumps(log))
    (person,) = load_people(tmp_path)
    assert person.label == f"{tmp_path.name}/sub-01"
    assert (person.age, person.sex) == (33.0, "F")
    assert person.mask.name.endswith("desc-brain_mask.nii.gz")
    assert person.volumes.name == "sub-01_desc-volumes_morph.tsv"


def test_volumes_are_relative_to_the_head(tmp_path):
    names = volume_names()
    values = dict.fromkeys(names, 100.0) | {"ICV": 1000.0, names[-1]: "n/a"}
    path = tmp_path / "v.tsv"
    path.write_text("measure\tvalue\n" + "".join(f"{k}\t{v}\n" for k, v in values.items()))
    (row,) = measured_volumes([Person("1", tmp_path / "i.nii", 30.0, volumes=path)])
    assert row[:-1] == pytest.approx([np.log(0.1)] * (len(names) - 2))
    assert row[-1] == pytest.approx(np.log(1 / 1000))  # no voxel: 1 mm3


def test_people_without_volumes_are_named(tmp_path):
    with pytest.raises(InputError, match=r"i\.nii"):
        measured_volumes([Person("1", tmp_path / "i.nii", 30.0)])


def test_nothing_to_train_on_is_told(tmp_path):
    with pytest.raises(InputError, match="--table"):
        load_people(tmp_path)
    with pytest.raises(MissingInputError):
        load_people(tmp_path / "nowhere")

import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError
from bids_brainage.training.autoencoder.freesurfer_csv import find_freesurfer_csv, load_freesurfer
from bids_brainage.training.autoencoder.labels import BINS
from bids_brainage.training.autoencoder.morphometry_fit import input_config
from bids_brainage.training.autoencoder.morphometry_people import load_people

N = 24


@pytest.fixture
def frame():
    """People nobody knows, in the columns of HCP's table."""
    generator = np.random.default_rng(0)
    return pd.DataFrame({
        "Subject": [100000 + i for i in range(N)],
        "Gender": ["F", "M"] * (N // 2),
        "Age": [BINS[i % 4] for i in range(N)],
        "FS_IntraCranial_Vol": generator.normal(1.5e6, 1e5, N),
        "FS_L_Hippo_Vol": generator.normal(4000, 300, N),
        "FS_R_Cuneus_Thck": generator.normal(2, 0.1, N),
        "FS_L_Cuneus_Area": generator.normal(1500, 100, N),
        "FS_Same": 1.0,
        "FS_Seldom": [1.0, 2.0] + [np.nan] * (N - 2),
        "Strength": generator.normal(100, 10, N),
    })  # fmt: skip


def write(frame, folder, name="full_unrestricted.csv"):
    frame.to_csv(folder / name, index=False)
    return folder / name


def test_measures_sexes_and_bins_are_read(frame, tmp_path):
    frame.loc[0, "FS_L_Hippo_Vol"] = 0.0
    table, codes = load_freesurfer(write(frame, tmp_path), BINS)
    assert table.names["morphometry"] == (
        "FS_IntraCranial_Vol", "FS_L_Hippo_Vol", "FS_R_Cuneus_Thck", "FS_L_Cuneus_Area",
    )  # fmt: skip
    assert np.isnan(table.measures["morphometry"][0, 1])
    assert codes.tolist() == [0, 1, 2, 3] * (N // 4)
    assert table.female.tolist() == [1.0, 0.0] * (N // 2)
    assert np.isnan(table.age).all()
    assert table.participants[0] == "100000"


def test_people_are_dealt_one_by_one_without_families_and_together_with_them(frame, tmp_path):
    write(frame, tmp_path)
    people = load_people((tmp_path,), BINS)
    assert np.isnan(people.table.age).all()
    assert sorted(np.bincount(people.folds(4))) == [6, 6, 6, 6]
    restricted = frame[["Subject"]].assign(Family_ID=[f"F{i // 3}" for i in range(N)])
    write(restricted.iloc[::-1], tmp_path, "restricted.csv")
    people = load_people((tmp_path,), BINS)
    folds = people.folds(4).reshape(-1, 3)
    assert (folds == folds[:, :1]).all()


def test_ages_in_years_of_a_restricted_table_are_used(frame, tmp_path):
    write(frame, tmp_path)
    more = frame[["Subject"]].assign(Age_in_Yrs=np.linspace(22, 36, N))
    write(more, tmp_path, "restricted.csv")
    people = load_people((tmp_path,), BINS)
    assert np.isfinite(people.table.age).any()
    assert people.codes[[0, -1]].tolist() == [0, 3]


def test_labels_beside_the_table_are_used(frame, tmp_path):
    path = write(frame.drop(columns=["Gender", "Age"]), tmp_path, "unrestricted.csv")
    np.save(tmp_path / "sex.npy", np.arange(N) % 2)
    (tmp_path / "age.csv").write_text("".join(f"{BINS[(i + 1) % 4]}\n" for i in range(N)))
    table, codes = load_freesurfer(path, BINS)
    assert codes[:4].tolist() == [1, 2, 3, 0]
    assert table.female[:2].tolist() == [1.0, 0.0]
    (tmp_path / "age.csv").unlink()
    with pytest.raises(InputError, match="no ages"):
        load_freesurfer(path, BINS)


def test_volumes_are_also_taken_relative_to_the_head(frame, tmp_path):
    write(frame, tmp_path)
    config = input_config(load_people((tmp_path,), BINS), derived=True)
    assert config.reference == (0,)
    assert config.volumes == (1,)
    assert config.n_selected == 5


def test_tables_are_told_apart(frame, tmp_path):
    assert find_freesurfer_csv(tmp_path) is None
    write(frame, tmp_path, "one.csv")
    assert find_freesurfer_csv(tmp_path).name == "one.csv"
    write(frame, tmp_path, "two.csv")
    with pytest.raises(InputError, match="2 tables"):
        find_freesurfer_csv(tmp_path)
    assert find_freesurfer_csv(write(frame, tmp_path)).name == "full_unrestricted.csv"


def test_a_person_who_stands_twice_is_refused(frame, tmp_path):
    path = write(pd.concat([frame, frame.iloc[:1]]), tmp_path)
    with pytest.raises(InputError, match="100000 stands twice"):
        load_freesurfer(path, BINS)


def test_a_table_in_another_encoding_is_named(frame, tmp_path):
    frame.assign(Note="\u00e9").to_csv(tmp_path / "hcp.csv", index=False, encoding="latin-1")
    with pytest.raises(InputError, match="cannot read the table"):
        load_people((tmp_path,), BINS)

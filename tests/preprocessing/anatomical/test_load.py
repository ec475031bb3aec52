import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.load import load_t1w, read_t1w

SHAPE = (40, 48, 44)


@pytest.fixture
def data():
    """A ball of some brightness in air."""
    x, y, z = np.indices(SHAPE) - np.array(SHAPE)[:, None, None, None] / 2
    ball = (x**2 + y**2 + z**2 < 17**2).astype(np.float32)
    return ball * (100 + 2 * np.indices(SHAPE)[0] + np.indices(SHAPE)[2])


@pytest.fixture
def write(tmp_path):
    def save(data, affine=None, **changes):
        image = nib.Nifti1Image(data, np.diag([4.0, 4, 4, 1]) if affine is None else affine)
        for name, value in changes.items():
            getattr(image.header, f"set_{name}")(*value)
        path = tmp_path / "sub-1_T1w.nii.gz"
        nib.save(image, path)
        return path

    return save


@pytest.mark.parametrize("code", ["RAS", "LPI", "PSR", "SRA", "AIL"])
def test_every_orientation_gives_the_same_image(write, data, code):
    straight = nib.Nifti1Image(data, np.diag([4.0, 4, 4, 1]))
    turn = nib.orientations.ornt_transform(
        nib.io_orientation(straight.affine), nib.orientations.axcodes2ornt(code)
    )
    turned = straight.as_reoriented(turn)
    loaded = load_t1w(write(np.asarray(turned.dataobj), turned.affine))
    np.testing.assert_array_equal(loaded.get_fdata(), data)
    np.testing.assert_allclose(loaded.affine, straight.affine, atol=1e-5)
    assert loaded.get_data_dtype() == np.float32


def test_an_oblique_image_keeps_its_angle_and_its_values(write, data):
    angle = np.radians(20)
    affine = np.diag([4.0, 4, 4, 1])
    affine[1:3, 1:3] = 4 * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    loaded = load_t1w(write(data, affine))
    np.testing.assert_allclose(loaded.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(loaded.get_fdata(), data)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "float64"])
def test_number_types_do_not_matter(write, data, kind):
    whole = np.rint(data)
    loaded = load_t1w(write(whole.astype(kind)))
    np.testing.assert_array_equal(loaded.get_fdata(), whole)


def test_scaling_of_the_header_is_applied(write, data):
    whole = np.rint(data / 2).astype(np.uint8)
    loaded = load_t1w(write(whole, slope_inter=(2.0, 0.0)))
    np.testing.assert_allclose(loaded.get_fdata(), 2.0 * whole)


def test_a_single_volume_may_be_4d(write, data):
    assert load_t1w(write(data[..., None])).shape == SHAPE


def test_non_finite_values_become_air_with_a_note(write, data):
    data[20, 20, 20], data[0, 0, 0] = np.nan, np.inf
    loaded = read_t1w(write(data))
    assert loaded.image.get_fdata()[20, 20, 20] == 0
    assert loaded.notes == ("2 voxels were not finite and became 0",)


def test_values_below_zero_are_cut(write, data):
    data[20, 20, 20] = -3
    loaded = read_t1w(write(data))
    assert loaded.image.get_fdata().min() == 0
    assert "-3" in loaded.notes[0]


def test_air_below_zero_is_lifted_to_zero(write, data):
    loaded = read_t1w(write(data - 1024))
    np.testing.assert_allclose(loaded.image.get_fdata(), data, atol=1e-3)
    assert "1024 was added" in loaded.notes[0]


def test_a_header_without_orientation_is_noted(tmp_path, data):
    image = nib.Nifti1Image(data, None)
    image.header.set_zooms((4, 4, 4))
    path = tmp_path / "sub-1_T1w.nii"
    nib.save(image, path)
    assert "no orientation" in read_t1w(path).notes[0]


def test_contradicting_forms_are_noted(write, data):
    moved = np.diag([4.0, 4, 4, 1])
    moved[0, 3] = 30
    path = write(data, sform=(np.diag([4.0, 4, 4, 1]), 1), qform=(moved, 1))
    assert "differ by 30 mm" in read_t1w(path).notes[0]


def test_a_wrong_unit_is_noted_where_the_sizes_can_only_be_mm(write, data):
    assert "meter" in read_t1w(write(data, xyzt_units=("meter",))).notes[0]


@pytest.mark.parametrize(
    ("size", "words"), [(0.004, "voxels of 0.004"), (4000, "voxels of 4000"), (1.0, "covers 40")]
)
def test_sizes_that_no_head_has_are_refused_by_value(write, data, size, words):
    with pytest.raises(InputError, match=words):
        load_t1w(write(data, np.diag([size, size, size, 1])))


def test_sheared_axes_are_refused(write, data):
    affine = np.diag([4.0, 4, 4, 1])
    affine[0, 1] = 1
    with pytest.raises(InputError, match="right angles"):
        load_t1w(write(data, affine))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (np.zeros(SHAPE, "f4"), "only the value 0"),
        (np.full(SHAPE, np.nan, "f4"), "no finite number"),
        (np.zeros((*SHAPE, 3), "f4"), "40x48x44x3"),
        (np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")]), "colours"),
        (np.zeros(SHAPE, "c8"), "complex64"),
    ],
    ids=["constant", "nan", "volumes", "colours", "complex"],
)
def test_what_is_no_t1w_is_refused(write, broken, words):
    with pytest.raises(InputError, match=words):
        load_t1w(write(broken))


def test_a_small_object_is_refused(write):
    small = np.zeros(SHAPE, np.float32)
    small[10:16, 10:16, 10:16] = 100
    with pytest.raises(InputError, match="14 ml"):
        load_t1w(write(small))


def test_a_cut_off_file_is_refused(write, data):
    path = write(np.random.default_rng(0).random(SHAPE, dtype=np.float32) * data)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="cut off"):
        load_t1w(path)

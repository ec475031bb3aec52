"""Break images in the ways that scanners, converters, transfers and people do."""

import gzip
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

COLOURS = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def not_packed(path: Path) -> None:
    path.write_bytes(gzip.decompress(path.read_bytes()))


def text(path: Path) -> None:
    path.write_text("not an image\n" * 100)


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def broken_link(path: Path) -> None:
    """As DataLad leaves a file whose content was not fetched."""
    path.unlink()
    path.symlink_to("../../.git/annex/objects/Xx/Yy/MD5E-s9--0.nii.gz/MD5E-s9--0.nii.gz")


def pointer(path: Path) -> None:
    """As git-annex leaves an unlocked file whose content was not fetched."""
    path.unlink()
    path.write_text("/annex/objects/MD5E-s9--d41d8cd98f00b204e9800998ecf8427e.nii.gz\n")


def copy_run(prep: Path, label: str, other: str) -> None:
    """Give another participant the same preprocessed run."""
    (prep / f"sub-{other}" / "func").mkdir(parents=True)
    for path in (prep / f"sub-{label}" / "func").iterdir():
        name = path.name.replace(f"sub-{label}", f"sub-{other}")
        shutil.copy(path, prep / f"sub-{other}" / "func" / name)


def header(form: str, offset: int, *values: float) -> Callable[[Path], None]:
    """Overwrite a field of the header."""

    def change(path: Path) -> None:
        content = bytearray(gzip.decompress(path.read_bytes()))
        struct.pack_into(form, content, offset, *values)
        path.write_bytes(gzip.compress(bytes(content), 1))

    return change


def saved(
    change: Callable[[np.ndarray, nib.Nifti1Image], nib.Nifti1Image],
) -> Callable[[Path], None]:
    """Save the image that a function makes of it."""

    def save(path: Path) -> None:
        image = nib.load(path)
        nib.save(change(np.asarray(image.dataobj).copy(), image), path)

    return save


def with_data(data: np.ndarray, image: nib.Nifti1Image) -> nib.Nifti1Image:
    changed = nib.Nifti1Image(data, image.affine)
    changed.header.set_zooms(image.header.get_zooms()[: data.ndim])
    changed.header.set_xyzt_units("mm", "sec")
    return changed


def _rotated(data: np.ndarray, image: nib.Nifti1Image) -> nib.Nifti1Image:
    orientation = nib.orientations.axcodes2ornt("PIL")
    given = nib.io_orientation(image.affine)
    return image.as_reoriented(nib.orientations.ornt_transform(given, orientation))


def _scaled(data: np.ndarray, image: nib.Nifti1Image) -> nib.Nifti1Image:
    top = float(np.abs(data).max()) / 32000
    changed = with_data(np.rint(data / top).astype(np.int16), image)
    changed.header.set_slope_inter(top, 0)
    return changed


def _some_nan(data: np.ndarray, image: nib.Nifti1Image) -> nib.Nifti1Image:
    data = data.astype(np.float32)
    data[: data.shape[0] // 2] = np.nan
    return with_data(data, image)


def _colours(data: np.ndarray, image: nib.Nifti1Image) -> nib.Nifti1Image:
    coloured = np.zeros(data.shape, COLOURS)
    coloured["R"] = data > 0
    return nib.Nifti1Image(coloured, image.affine)


def _other_dimensions(data: np.ndarray, image: nib.Nifti1Image) -> nib.Nifti1Image:
    return nib.Nifti1Image(data[..., 0] if data.ndim == 4 else np.stack([data] * 3, -1),
                           image.affine)  # fmt: skip


def constant(value: float) -> Callable[[Path], None]:
    return saved(lambda data, image: with_data(np.full(data.shape, value, np.float32), image))


#: Faults after which an image must not be used, with a word that its reason must hold.
BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncated, "cut off"),
    "empty": (empty, "empty"),
    "notpacked": (not_packed, "not a gzip file"),
    "text": (text, "cannot be read"),
    "brokenlink": (broken_link, "datalad get"),
    "pointer": (pointer, "datalad get"),
    "nan": (constant(np.nan), ""),
    "zero": (constant(0), ""),
    "complex": (saved(lambda d, i: with_data((d + 1j * d).astype(np.complex64), i)), "complex64"),
    "colours": (saved(_colours), "colours"),
    "dimensions": (saved(_other_dimensions), ""),
    "flat": (header("<12f", 280, *([0.0] * 12)), "span space"),
    "negative": (header("<h", 42, -3), ""),
}
#: Other ways to store the same image.
STORED: dict[str, Callable[[Path], None]] = {
    "rotated": saved(_rotated),
    "scaled": saved(_scaled),
    "bigendian": saved(lambda d, i: nib.Nifti1Image(d, i.affine, i.header.as_byteswapped(">"))),
    "double": saved(lambda d, i: with_data(d.astype(np.float64), i)),
}

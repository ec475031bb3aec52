"""Go once through a 4D image, volume by volume, with the numbers as they stand in the file."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from zlib_ng import gzip_ng, zlib_ng

_REST = 2**20


def scaling(image: nib.Nifti1Image) -> tuple[float, float]:
    """Slope and intercept that turn stored numbers into values."""
    proxy = cast(ArrayProxy, image.dataobj)
    return float(proxy.slope), float(proxy.inter)


def stored_volumes(image: nib.Nifti1Image) -> Iterator[np.ndarray]:
    """Volumes in the type they are stored in, before the header's slope and intercept.

    One volume is in memory at a time. A ``.gz`` file is unpacked by zlib-ng, several times faster
    than zlib, and its checksum is compared at the end.

    Parameters
    ----------
    image
        4D image that was opened from a file.

    Yields
    ------
    ndarray
        One volume, flat, its first axis running fastest.

    Raises
    ------
    OSError, EOFError, ValueError
        If the file is cut off or damaged.
    """
    proxy = cast(ArrayProxy, image.dataobj)
    path = str(image.file_map["image"].filename)
    with ExitStack() as stack:
        packed = stack.enter_context(gzip_ng.open(path)) if path.lower().endswith(".gz") else None
        source: Any = packed or path
        values = ArrayProxy(source, (proxy.shape, proxy.dtype, proxy.offset), keep_file_open=True)
        try:
            for number in range(proxy.shape[3]):
                yield np.asarray(values[..., number]).ravel(order="F")
            while packed is not None and packed.read(_REST):
                pass
        except zlib_ng.error as error:  # type: ignore[misc]
            raise OSError(str(error)) from error

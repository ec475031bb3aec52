from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical import bias
from bids_brainage.preprocessing.anatomical.bias import divide_bias, estimate_bias


def spread(image, mask):
    values = np.asarray(image.dataobj)[mask]
    return values.std() / values.mean()


def test_a_brightness_ramp_is_taken_away_and_white_matter_keeps_its_brightness(head, monkeypatch):
    monkeypatch.setattr(bias, "ITERATIONS", (20, 10))
    data = np.asarray(head.image.dataobj)
    ramp = np.exp(np.linspace(-0.4, 0.4, data.shape[1]))[None, :, None]
    uneven = nib.Nifti1Image((data * ramp).astype(np.float32), head.image.affine)
    white = head.tissue == 2
    field = estimate_bias(uneven, head.segment(), Path("x"), 1)
    mended = divide_bias(uneven, field)
    assert spread(mended, white) < 0.7 * spread(uneven, white)
    before, after = (np.median(np.asarray(i.dataobj)[white]) for i in (uneven, mended))
    assert after == pytest.approx(before, rel=0.05)
    assert mended.shape == data.shape
    np.testing.assert_array_equal(np.asarray(mended.dataobj)[data == 0], 0)


def test_a_brain_without_signal_is_an_error_of_the_session(head):
    empty = nib.Nifti1Image(np.zeros(head.image.shape, np.float32), head.image.affine)
    with pytest.raises(InputError, match="no signal"):
        estimate_bias(empty, head.segment(), Path("x"), 1)

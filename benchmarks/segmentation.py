"""Brain mask, tissues and regions of a 1 mm T1w, beside N4 and Atropos of ANTs on a given mask."""

import sys

from benchmarks.measure import measure, show

# The template brain that comes with nilearn, or an image of the user's.
LOAD = """
import nibabel as nib, numpy as np
path = {path!r}
if path:
    image = nib.as_closest_canonical(nib.load(path))
else:
    from nilearn.datasets import load_mni152_template
    image = nib.as_closest_canonical(load_mni152_template(resolution=1))
image = nib.Nifti1Image(np.squeeze(image.get_fdata(dtype=np.float32)), image.affine)
"""
OURS = """
from bids_brainage.preprocessing.segmentation import segment
found = segment(image)
assert found.brain.any()
"""
PEER = """
import ants
t1w = ants.from_nibabel(image)
mask = ants.from_nibabel(nib.Nifti1Image((image.get_fdata() > 0).astype(np.float32), image.affine))
t1w = ants.n4_bias_field_correction(t1w, mask=mask, shrink_factor=4)
ants.atropos(a=t1w, m="[0.2,1x1x1]", c="[5,0]", i="kmeans[3]", x=mask)
"""


def main(path: str = "") -> None:
    """Measure on the template brain or on ``path``; loading the image is not counted."""
    setup = LOAD.format(path=path)
    ours = measure(OURS, setup, repeats=3)
    peer = measure(PEER, setup, repeats=1)
    show("segmentation of a 1 mm T1w", ours, peer, "antspyx N4 + Atropos, no regions")


if __name__ == "__main__":
    main(*sys.argv[1:2])

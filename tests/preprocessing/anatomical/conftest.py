"""A small head made of the template: whole brain at 4 mm, its tissues, and a template to match."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from bids_brainage.preprocessing.anatomical.itk import pooled
from bids_brainage.preprocessing.anatomical.templates import BrainTemplate, brain_template
from bids_brainage.records.segmentation import Segmentation


@dataclass(frozen=True)
class Head:
    """An image and the truth about it."""

    image: nib.Nifti1Image
    tissue: np.ndarray

    def segment(self, image: nib.Nifti1Image | None = None) -> Segmentation:
        """Stand in for the network: the tissues that the head was made with."""
        tissue = self.tissue
        return Segmentation(
            tissue=tissue.astype(np.int8),
            probabilities=np.stack([tissue == n for n in range(4)]).astype(np.float32),
            brain=tissue > 0,
            regions=tissue.astype(np.int16),
            affine=self.image.affine,
        )


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> BrainTemplate:
    """The packaged template on a 4 mm grid, for speed."""
    whole = brain_template(tmp_path_factory.mktemp("no_templateflow"))
    brain, affine = pooled(whole.brain, whole.affine, 4)
    return BrainTemplate(brain, pooled(whole.mask, whole.affine, 4)[0] > 0.5, whole.words, affine)


@pytest.fixture(scope="session")
def make_head(template):
    """Heads made of the template: turned, larger, with or without scalp."""

    def make(
        degrees: float = 10, scale: float = 1.1, scalp: bool = True, flip: tuple[int, ...] = ()
    ) -> Head:
        angle = np.radians(degrees)
        turn = np.array(
            [
                [1, 0, 0],
                [0, np.cos(angle), -np.sin(angle)],
                [0, np.sin(angle), np.cos(angle)],
            ]
        )
        shape = (56, 64, 60)
        middle = np.array(template.brain.shape) / 2 - 0.5
        matrix = turn / scale
        offset = middle - matrix @ (np.array(shape) / 2 - 0.5)
        brain = ndimage.affine_transform(template.brain, matrix, offset, shape, order=1)
        mask = (
            ndimage.affine_transform(
                template.mask.astype(np.float32), matrix, offset, shape, order=1
            )
            > 0.5
        )
        tissue = np.zeros(shape, dtype=np.int8)
        tissue[mask] = np.digitize(brain[mask], (0.45, 0.75)) + 1
        tissue = np.array([0, 3, 1, 2], dtype=np.int8)[tissue]
        data = 800 * np.where(mask, brain, 0)
        if scalp:
            far = ndimage.distance_transform_edt(~mask)
            data[(far > 2) & (far <= 5)] = 500
        for axis in flip:
            data, tissue = np.flip(data, axis), np.flip(tissue, axis)
        affine = np.diag([4.0, 4, 4, 1])
        affine[:3, 3] = (-110, -130, -100)
        return Head(nib.Nifti1Image(data.astype(np.float32), affine), tissue.copy())

    return make


@pytest.fixture(scope="session")
def head(make_head) -> Head:
    return make_head()

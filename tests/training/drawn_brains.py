"""Invented brains that darken with age, on a coarse grid."""

import nibabel as nib
import numpy as np

from bids_brainage.preprocessing.brain_image import grid_affine, grid_shape
from bids_brainage.training.images.people import load_people

ZOOMS = 8.0


def brain(age, generator):
    """An ellipsoid with a bright core that shrinks with age."""
    shape, affine = grid_shape(ZOOMS), grid_affine(ZOOMS)
    world = nib.affines.apply_affine(affine, np.stack(np.indices(shape), axis=-1))
    radius = (((world - [0, -18, 10]) / [65, 85, 60]) ** 2).sum(axis=-1)
    data = np.where(radius < 1, 100 + 5 * generator.standard_normal(shape), 0)
    data[radius < 0.9 - age / 100] += 60
    return nib.Nifti1Image(data.astype(np.float32), affine)


def write_brains(folder, n=16):
    """Write a folder of brains and its table; return both and the people."""
    generator = np.random.default_rng(0)
    rows = []
    for number, age in enumerate(np.linspace(20, 80, n)):
        brain(age, generator).to_filename(folder / f"p{number:02d}.nii.gz")
        rows.append(f"p{number:02d}\t{age:.1f}\t{number % 2}")
    table = folder / "people.tsv"
    table.write_text("\n".join(rows) + "\n")
    return folder, table, load_people(folder, table)

"""A BOLD run in MNI space with mask and confounds under fMRIPrep's names, made of noise."""

from pathlib import Path

SHAPE = (65, 77, 65)
VOLUMES = 156
RESOLUTION = 3.0
ORIGIN = (-96, -132, -78)


def write_generated_run(folder: Path, volumes: int = VOLUMES) -> Path:
    """Write volumes of 3 mm as packed and scaled 16-bit integers; return the BOLD's path."""
    import nibabel as nib
    import numpy as np

    from bids_brainage.preprocessing.templates import brain_mask

    generator = np.random.default_rng(0)
    affine = np.diag([RESOLUTION] * 3 + [1.0])
    affine[:3, 3] = ORIGIN
    mask = brain_mask(nib.Nifti1Image(np.zeros(SHAPE, dtype=np.uint8), affine))
    brain = np.asarray(mask.dataobj) > 0
    data = generator.normal(50, 10, (*SHAPE, volumes)).astype(np.float32)
    # Voxels share a few sources, so that correlations are not all near zero.
    sources = generator.standard_normal((8, volumes))
    mixing = generator.standard_normal((int(brain.sum()), 8))
    noise = generator.standard_normal((int(brain.sum()), volumes))
    data[brain] = 800 + 10 * (mixing @ sources) + 20 * noise
    image = nib.Nifti1Image(data, affine)
    image.set_data_dtype(np.int16)
    image.header.set_zooms((*[RESOLUTION] * 3, 2.0))
    stem = folder / "sub-01_task-rest"
    space = f"{stem}_space-MNI152NLin6Asym_desc"
    nib.save(image, f"{space}-preproc_bold.nii.gz")
    nib.save(mask, f"{space}-brain_mask.nii.gz")
    motion = 0.02 * np.cumsum(generator.standard_normal((volumes, 6)), axis=0)
    motion[:, 3:] /= 50
    names = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
    np.savetxt(f"{stem}_desc-confounds_timeseries.tsv", motion, delimiter="\t",
               header="\t".join(names), comments="")  # fmt: skip
    return Path(f"{space}-preproc_bold.nii.gz")

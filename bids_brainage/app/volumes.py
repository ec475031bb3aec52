"""Volumes of a preprocessed T1w, written in the format of FreeSurfer morphometry."""

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib

from bids_brainage.bids.outputs import session_file
from bids_brainage.config import DEFAULT_ATLAS, RunConfig
from bids_brainage.errors import InputError
from bids_brainage.features.regional_volumes import (
    modulated_suffix,
    regional_gm,
    write_regional_gm,
)
from bids_brainage.features.tissue_volumes import SUFFIX, tissue_volumes, write_volumes
from bids_brainage.preprocessing.atlas import load_atlas, packaged_name
from bids_brainage.records.inputs import SessionInputs
from bids_brainage.records.raw import AnatomicalResult
from bids_brainage.records.segmentation import TISSUES

ATLASES = (DEFAULT_ATLAS, "AAL")


def write_tissue_volumes(
    config: RunConfig, inputs: SessionInputs, anatomy: AnatomicalResult, files: Sequence[Path]
) -> Path:
    """Write volumes of tissues and regions in native space.

    Parameters
    ----------
    files
        Derivatives of the T1w, for the sources in the sidecar.
    """
    stem = inputs.key.stem
    names = [f"{stem}_label-{tissue}_probseg" for tissue in TISSUES[1:]]
    path = session_file(config.output_dir, inputs.key, SUFFIX, "anat")
    sources = _sources(config, files, *names, f"{stem}_desc-regions_dseg")
    return write_volumes(path, tissue_volumes(anatomy.segmentation), sources)


def write_regional_volumes(
    config: RunConfig, inputs: SessionInputs, anatomy: AnatomicalResult, files: Sequence[Path]
) -> tuple[list[Path], list[str]]:
    """Write the modulated grey matter of the regions of each atlas.

    Returns
    -------
        The tables, and why an atlas was left out.
    """
    name = f"{inputs.key.stem}_space-{anatomy.space}_res-2_label-GM_probseg"
    sources = _sources(config, files, name)
    gm = nib.Nifti1Image(anatomy.mni_segmentation[TISSUES.index("GM")], anatomy.mni.affine)
    tables, notes = [], []
    for wanted in dict.fromkeys((*ATLASES, packaged_name(config.atlas) or config.atlas)):
        try:
            atlas = load_atlas(wanted, anatomy.space)
            volumes = regional_gm(gm, anatomy.jacobian, atlas)
        except InputError as error:
            notes.append(f"grey matter of atlas {wanted} left out: {error}")
            continue
        table = session_file(config.output_dir, inputs.key, modulated_suffix(atlas), "anat")
        tables.append(write_regional_gm(table, volumes, atlas, sources))
    return tables, notes


def _sources(config: RunConfig, files: Sequence[Path], *stems: str) -> dict[str, list[str]]:
    names = [f"{stem}.nii.gz" for stem in stems]
    used = [path.relative_to(config.output_dir) for path in files if path.name in names]
    return {"Sources": [f"bids::{path.as_posix()}" for path in used]}

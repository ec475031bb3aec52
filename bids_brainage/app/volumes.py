"""Volumes of a preprocessed T1w, written in the format of FreeSurfer morphometry."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib

from bids_brainage.bids.outputs import session_file
from bids_brainage.config import DEFAULT_ATLAS, RunConfig
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


def write_session_volumes(
    config: RunConfig, inputs: SessionInputs, anatomy: AnatomicalResult, files: Sequence[Path]
) -> dict[str, Any]:
    """Write tissue and region volumes in native space, and regional grey matter of each atlas.

    Parameters
    ----------
    files
        Derivatives that the volumes are made from.

    Returns
    -------
        Kind of volumes to files, relative to OUTPUT_DIR.
    """

    def relative(path: Path) -> str:
        return path.relative_to(config.output_dir).as_posix()

    def sources(*endings: str) -> dict[str, list[str]]:
        made_of = [
            path for path in files if path.name.endswith(tuple(f"{e}.nii.gz" for e in endings))
        ]
        return {"Sources": [f"bids::{relative(path)}" for path in made_of]}

    stem, space = inputs.key.stem, f"space-{anatomy.space}_res-2"
    native = [f"{stem}_label-{tissue}_probseg" for tissue in TISSUES[1:]]
    path = session_file(config.output_dir, inputs.key, SUFFIX, "anat")
    volumes = tissue_volumes(anatomy.segmentation)
    write_volumes(path, volumes, sources(*native, f"{stem}_desc-regions_dseg"))
    gm = nib.Nifti1Image(anatomy.mni_segmentation[TISSUES.index("GM")], anatomy.mni.affine)
    regional = []
    for name in dict.fromkeys((*ATLASES, packaged_name(config.atlas) or config.atlas)):
        atlas = load_atlas(name, anatomy.space)
        table = session_file(config.output_dir, inputs.key, modulated_suffix(atlas), "anat")
        volumes = regional_gm(gm, anatomy.jacobian, atlas)
        write_regional_gm(table, volumes, atlas, sources(f"{stem}_{space}_label-GM_probseg"))
        regional.append(relative(table))
    return {"volumes": relative(path), "regional_volumes": regional}

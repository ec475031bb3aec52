"""Small derivatives of raw images under the names that preprocessing gives them."""

import nibabel as nib
import numpy as np

from bids_brainage.bids import outputs

SPACE = "space-MNI152NLin6Asym"
RUN = "task-rest_run-1"
NATIVE = np.array([[4.0, 0, 0, -80], [0, 4, 0, -100], [0, 0, 4, -70], [0, 0, 0, 1]])
STANDARD = np.array([[6.0, 0, 0, -90], [0, 6, 0, -126], [0, 0, 6, -72], [0, 0, 0, 1]])
VOLUMES = {
    "ICV": 1.5e6,
    "GM": 7e5,
    "WM": 5e5,
    "CSF": 3e5,
    "Left-Hippocampus": 4100.0,
    "Right-Hippocampus": 3900.0,
    "Left-FrontalGM": 99000.0,
    "Right-FrontalGM": None,
    "BrainStem": 20000.0,
}


def ball(shape, affine, radius):
    """Distance to the middle of the brain, over a radius in mm."""
    voxels = np.moveaxis(np.indices(shape), 0, -1)
    points = nib.affines.apply_affine(affine, voxels) - (0, -20, 10)
    return np.linalg.norm(points, axis=-1) < radius


def tissues(shape, affine):
    """CSF around grey matter around white matter."""
    label = np.where(ball(shape, affine, 66), 3, 0)
    label[ball(shape, affine, 60)] = 1
    label[ball(shape, affine, 45)] = 2
    return label.astype(np.uint8)


def save(path, data, affine, sidecar=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path.with_name(path.name + ".nii.gz"))
    outputs.write_json(path.with_name(path.name + ".json"), sidecar or {})


def write_anatomy(root, key):
    """T1w, mask, tissues, the same in the standard space, and volumes."""
    label = tissues((40, 48, 42), NATIVE)
    t1w = np.array([5, 60, 100, 30], dtype=np.float32)[label]
    standard = tissues((31, 37, 31), STANDARD)

    def name(suffix):
        return outputs.session_file(root, key, suffix, "anat")

    save(name("desc-preproc_T1w"), t1w, NATIVE, {"SkullStripped": False})
    save(name("desc-brain_mask"), (label > 0).astype(np.uint8), NATIVE)
    save(name("dseg"), label, NATIVE, {"Segmentation": {"Model": "resunet 0.1.0"}})
    brain = np.array([0, 60, 100, 30], dtype=np.float32)[standard]
    save(name(f"{SPACE}_res-2_desc-preproc_T1w"), brain, STANDARD)
    save(name(f"{SPACE}_res-2_dseg"), standard, STANDARD)
    rows = [{"measure": m, "value": v, "unit": "mm3"} for m, v in VOLUMES.items()]
    outputs.write_tsv(name("desc-volumes_morph.tsv"), rows, ["measure", "value", "unit"])
    outputs.write_tsv(
        name("seg-AAL_desc-modulated_morph.tsv"), rows[4:], ["measure", "value", "unit"]
    )


def write_run(root, key, volumes=24):
    """Reference on the T1w, run in the standard space, confounds and transform."""

    def name(suffix):
        return outputs.session_file(root, key, f"{RUN}_{suffix}", "func")

    label = tissues((40, 48, 42), NATIVE)
    save(name("space-T1w_boldref"), np.array([0, 90, 60, 120], dtype=np.float32)[label], NATIVE)
    mask = tissues((31, 37, 31), STANDARD) > 0
    noise = np.random.default_rng(5).normal(100, 2, size=(*mask.shape, volumes))
    bold = (noise * mask[..., None]).astype(np.float32)
    sidecar = {
        "RepetitionTime": 2.0,
        "SliceTimingCorrected": True,
        "NonSteadyVolumes": 3,
        "DistortionCorrection": "none",
    }
    save(name(f"{SPACE}_desc-preproc_bold"), bold, STANDARD, sidecar)
    save(name(f"{SPACE}_desc-brain_mask"), mask.astype(np.uint8), STANDARD)
    name("from-boldref_to-T1w_mode-image_xfm.txt").write_text("#Insight", encoding="utf-8")
    motion = np.random.default_rng(6).normal(0, 0.01, size=(volumes, 6))
    names = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
    rows = [
        dict(zip(names, line, strict=True))
        | {"framewise_displacement": None if t == 0 else 0.6 if t == 5 else 0.1, "std_dvars": 1.0}
        for t, line in enumerate(motion.tolist())
    ]
    columns = [*names, "framewise_displacement", "std_dvars"]
    outputs.write_tsv(name("desc-confounds_timeseries.tsv"), rows, columns)

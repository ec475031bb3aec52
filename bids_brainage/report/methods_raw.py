"""Sentences on how raw images were preprocessed: only steps that the sidecars name."""

from collections.abc import Iterable, Sequence
from typing import Any

from bids_brainage.report.pages import compact
from bids_brainage.report.reading import SessionDerivatives
from bids_brainage.report.reading_images import Files

Paragraph = tuple[str, list[str]]


def t1w_paragraph(images: Sequence[Files]) -> Paragraph:
    """Anatomical path."""
    text = ["Raw T1w. The image was turned to the standard orientation."]
    cited: list[str] = []
    if any(recorded(images, "SkullStripped", "t1w")):
        text.append("It came without skull.")
    if any("tissues" in image.paths for image in images):
        model = _first(recorded(images, "Model"))
        named = f" ({model})" if model and model != "unnamed" else ""
        text.append(
            f"A residual U-Net{named}, trained on images synthesised with random contrast, noise "
            "and resolution and on real heads, found brain mask, grey matter, white matter, CSF "
            "and regions."
        )
        cited += ["unet", "synthesis", "muse"]
    if any("t1w" in image.paths for image in images):
        text.append("Uneven brightness was corrected by N4 inside the brain mask.")
        cited.append("n4")
    if any("standard_t1w" in image.paths for image in images):
        template = _first(recorded(images, "SpatialReference")) or "MNI152NLin6Asym"
        text.append(
            f"The brain was registered to {template} with greedy, by an affine and then a "
            "deformable transform."
        )
        cited += ["greedy", "mni"]
    return " ".join(text), cited


def volumes_paragraph(sessions: Sequence[SessionDerivatives]) -> Paragraph:
    """Volumes of tissues and regions, and modulated grey matter of atlas regions."""
    text = (
        "Volumes. Volumes of grey matter, white matter and CSF are sums of their probabilities in "
        "native space, their sum is the intracranial volume; volumes of regions count voxels."
    )
    cited = ["muse"]
    atlases = sorted({name for session in sessions for name in session.modulated})
    if atlases:
        text += (
            f" Grey matter of the regions of {' and '.join(atlases)} was summed in standard space, "
            "modulated by the Jacobian of the registration."
        )
        cited.append("good")
        cited += ["harvardoxford"] if any("harvard" in name.lower() for name in atlases) else []
    return text, cited


def functional_paragraph(runs: Sequence[Files]) -> Paragraph:
    """Functional path."""
    text = [
        "Raw BOLD. Head motion was estimated by rigid registration of every volume to a reference."
    ]
    cited = ["lucas"]
    steady = [int(v) for v in recorded(runs, "NonSteadyVolumes") if isinstance(v, int)]
    if any(steady):
        found = ", ".join(str(v) for v in dict.fromkeys(steady))
        text.append(f"The first {found} volumes were not steady and are marked in the confounds.")
    timing = [bool(v) for v in recorded(runs, "SliceTimingCorrected")]
    if timing:
        every = "in some of the runs" if len(set(timing)) > 1 else ""
        text.append(
            f"Slices were brought to one moment{' ' if every else ''}{every}."
            if any(timing)
            else "Slice timing was not corrected."
        )
    if any("transform" in run.paths for run in runs):
        text.append(
            "The reference was registered to the T1w by the correlation ratio and then by the "
            "border of white matter; motion, this and the normalisation to the template were "
            "applied in one interpolation."
        )
        cited += ["roche", "bbr"]
    if "none" in recorded(runs, "DistortionCorrection"):
        text.append("Geometric distortion was not corrected.")
    if any("confounds" in run.paths for run in runs):
        text.append(
            "Confounds have fMRIPrep's names: motion parameters with derivatives and squares, "
            "signals of white matter, CSF and brain, CompCor, framewise displacement and DVARS."
        )
        cited += ["compcor", "fd"]
    return " ".join(text), cited


def quality_paragraph() -> Paragraph:
    """Quality numbers and figures."""
    text = (
        "Quality. Signal, contrast and background measures follow MRIQC's definitions, with "
        "tissues of our segmentation; the carpet of single voxels follows Power."
    )
    return text, ["mriqc", "carpet"]


def recorded(files: Iterable[Files], key: str, what: str = "") -> list[Any]:
    """Values that sidecars hold under a key, at any depth.

    Parameters
    ----------
    what
        Only of this file; empty for all.
    """
    return [
        value
        for one in files
        for name, sidecar in one.sidecars.items()
        if what in ("", name)
        for value in _search(sidecar, key)
    ]


def _search(content: Any, key: str) -> list[Any]:
    if not isinstance(content, dict):
        return []
    found = [content[key]] if key in content else []
    return found + [v for value in content.values() for v in _search(value, key)]


def _first(values: list[Any]) -> str:
    return next((compact(value) for value in values if isinstance(value, str) and value), "")

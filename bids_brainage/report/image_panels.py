"""Pictures of the steps on raw images: tissues, registration to the template, BOLD on T1w."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from nilearn.datasets import load_mni152_wm_template
from scipy import ndimage

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.templates import brain_template
from bids_brainage.report.mosaic import Box, Contour, Row, brain_box, mosaic
from bids_brainage.report.panel import Panel, save_picture
from bids_brainage.report.reading_images import STANDARD, Files, Volume

MASK, GREY, WHITE = "#ffab00", "#43d787", "#3db2ff"
_AXES = ("z", "y")


def tissue_panels(output_dir: Path, folder: Path, stem: str, anatomy: Files) -> list[Panel]:
    """Draw the T1w with the outlines of brain mask and tissues.

    Raises
    ------
    InputError
        If an image is damaged.
    OutputError
        If a picture cannot be written.
    """
    t1w, mask = anatomy.volume("t1w"), anatomy.volume("mask")
    if t1w is None or mask is None:
        return []
    box = _box(mask, anatomy.paths["mask"])
    contours = [Contour(mask.equals(1), MASK, "brain mask", 1.2), *_tissues(anatomy)]
    rows = [Row(t1w, axis, box.places(axis), tuple(contours)) for axis in _AXES]
    source = save_picture(output_dir, folder, f"{stem}_desc-tissues_T1w.png", mosaic(rows, box))
    caption = (
        "Bias-corrected T1w in its own space with what the segmentation found; left is left. The "
        "orange line must hold the whole brain with the fluid around it, cerebellum included, and "
        "no eyes, muscle or skull. The blue line must follow the bright white matter, the green "
        "one the outer edge of the cortex."
    )
    alt = (
        "Seven axial and seven coronal slices of the T1w image with the outlines of brain mask, "
        "grey matter and white matter."
    )
    return [Panel(source, "Brain mask and tissues", alt, caption)]


def standard_panels(output_dir: Path, folder: Path, stem: str, anatomy: Files) -> list[Panel]:
    """Draw the T1w in the standard space above the template, both with the template's outlines.

    Raises
    ------
    InputError
        If an image is damaged.
    OutputError
        If a picture cannot be written.
    """
    t1w = anatomy.volume("standard_t1w")
    if t1w is None:
        return []
    template = _template()
    box = _box(template.brain, anatomy.paths["standard_t1w"])
    contours = (
        Contour(template.brain, MASK, "template: brain", 1.2),
        Contour(template.white, WHITE, "template: white matter", 0.9),
    )
    rows = []
    for axis in _AXES:
        places = box.places(axis)
        rows.append(Row(t1w, axis, places, contours, "this person"))
        rows.append(Row(template.image, axis, places, contours, "template"))
    source = save_picture(
        output_dir, folder, f"{stem}_{STANDARD}_desc-registration_T1w.png", mosaic(rows, box)
    )
    caption = (
        "This person's brain carried to MNI152NLin6Asym, above the template at the same places; "
        "the lines are the template's. The brain must fill the orange line, and ventricles, deep "
        "grey matter and cerebellum must stand where the template has them; single folds differ "
        "between people."
    )
    alt = (
        "Axial and coronal slices of the T1w image in standard space above those of the "
        "template, with the outlines of the template's brain and white matter."
    )
    return [Panel(source, "Registration to the template", alt, caption)]


def coregistration_panels(
    output_dir: Path, folder: Path, stem: str, run: Files, anatomy: Files | None
) -> list[Panel]:
    """Draw a run's reference volume in the space of the T1w with the T1w's outlines.

    Raises
    ------
    InputError
        If an image is damaged.
    OutputError
        If a picture cannot be written.
    """
    reference = run.volume("reference")
    mask = anatomy.volume("mask") if anatomy else None
    if reference is None or anatomy is None or mask is None:
        return []
    box = _box(mask, anatomy.paths["mask"])
    contours = (Contour(mask.equals(1), MASK, "brain mask of the T1w", 1.0), *_tissues(anatomy)[1:])
    rows = [Row(reference, axis, box.places(axis), contours) for axis in _AXES]
    source = save_picture(
        output_dir, folder, f"{stem}_{run.label}_desc-coregistration_bold.png", mosaic(rows, box)
    )
    caption = (
        "BOLD reference volume carried to the T1w; the lines come from the T1w. The brain must "
        "lie inside the orange line, the blue line must follow the darker white matter, and the "
        "bright ventricles must lie in its middle. Signal missing above the nose and the ears is "
        "usual."
    )
    alt = (
        "Seven axial and seven coronal slices of the BOLD reference volume with the outlines of "
        "the T1w's brain mask and white matter."
    )
    return [Panel(source, run.label, alt, caption)]


@dataclass(frozen=True)
class _Template:
    image: Volume
    brain: Volume
    white: Volume


@lru_cache(maxsize=1)
def _template() -> _Template:
    template = brain_template()
    white = load_mni152_wm_template(resolution=2)
    return _Template(
        Volume(template.brain, template.affine),
        Volume(ndimage.binary_fill_holes(template.mask).astype(np.uint8), template.affine),
        Volume(np.asarray(white.dataobj), white.affine),
    )


def _tissues(anatomy: Files) -> list[Contour]:
    tissues = anatomy.volume("tissues")
    if tissues is None:
        return []
    return [
        Contour(tissues.equals(1, 2), GREY, "outer edge of grey matter", 0.8),
        Contour(tissues.equals(2), WHITE, "white matter", 0.8),
    ]


def _box(mask: Volume, place: Path) -> Box:
    box = brain_box(mask)
    if box is None:
        raise InputError("the brain mask is empty", place=place, hint="look at the T1w")
    return box

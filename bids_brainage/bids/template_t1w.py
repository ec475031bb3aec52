"""T1w in template space that fMRIPrep or sMRIPrep left for a session, with its brain mask."""

from collections.abc import Sequence
from typing import Any

from bids_brainage.bids.bold import passing
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.entities import NIFTI, NamedFile, content_problem, list_files
from bids_brainage.bids.filters import Query
from bids_brainage.bids.preferences import ATLAS_SPACE, PREFERRED_SPACES, space_rank
from bids_brainage.bids.raw import DERIVED_ONLY
from bids_brainage.bids.scan import natural_key
from bids_brainage.records.inputs import TemplateT1w
from bids_brainage.records.session import SessionKey

# The finest first; without a label the template's own, 1 mm.
_RESOLUTIONS = ("1", "01", None, "2", "02")


def find_template_t1w(
    dataset: Dataset, key: SessionKey, query: Query, notes: list[str]
) -> TemplateT1w | None:
    """Find the preprocessed T1w of the first derivative that has one in an MNI152 space.

    Parameters
    ----------
    query
        Filter for T1w images.
    notes
        Receives the choice, and why images are left out.
    """
    for derivative in dataset.derivatives:
        for owner in dict.fromkeys((key, SessionKey(key.participant))):
            folder = derivative.root / owner.folder / "anat"
            files = list_files(derivative.root, folder, owner, [])
            images = [f for f in files if _is_template_t1w(f)]
            images = passing(images, query, DERIVED_ONLY, "t1w", notes)
            found = _choose(images, files, notes)
            if found is None:
                continue
            notes.append(f"T1w in template space of {derivative.name}: {found.path.name}")
            if found.space != ATLAS_SPACE:
                notes.append(f"T1w in template space: {found.space} is not {ATLAS_SPACE}; they "
                             "differ by a few millimetres")  # fmt: skip
            if owner != key:
                notes.append(f"{found.path.name} lies outside the sessions and counts for each")
            return found
    return None


def _is_template_t1w(file: NamedFile) -> bool:
    image = file.suffix == "T1w" and file.extension in NIFTI and file.get("desc") == "preproc"
    return image and space_rank(file.get("space"), file.get("cohort"), PREFERRED_SPACES) is not None


def _choose(
    images: Sequence[NamedFile], files: Sequence[NamedFile], notes: list[str]
) -> TemplateT1w | None:
    for image in sorted(images, key=_preference):
        mask = next((f for f in files if _is_mask_of(f, image)), None)
        problem = content_problem(image.path)
        if problem:
            notes.append(f"{image.path.name} {problem}; left out")
        elif mask is None:
            notes.append(f"{image.path.name} has no brain mask; left out")
        elif problem := content_problem(mask.path):
            notes.append(f"{mask.path.name} {problem}; left out")
        else:
            return TemplateT1w(image.path, mask.path, image.get("space") or "")
    return None


def _preference(file: NamedFile) -> tuple[Any, ...]:
    resolution = file.get("res")
    known = resolution in _RESOLUTIONS
    return (
        space_rank(file.get("space"), None, PREFERRED_SPACES),
        _RESOLUTIONS.index(resolution) if known else len(_RESOLUTIONS),
        natural_key(file.path.name),
    )


def _is_mask_of(file: NamedFile, image: NamedFile) -> bool:
    if file.suffix != "mask" or file.get("desc") != "brain" or file.extension not in NIFTI:
        return False
    return {p for p in file.pairs if p[0] != "desc"} == {p for p in image.pairs if p[0] != "desc"}

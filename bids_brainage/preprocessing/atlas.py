"""Load the atlas that a run asks for: a packaged one, a file, or a TemplateFlow name."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from bids_brainage.preprocessing import aal
from bids_brainage.preprocessing.atlas_files import find_templateflow, read_atlas_file
from bids_brainage.preprocessing.harvard_oxford import NAME, build_harvard_oxford
from bids_brainage.preprocessing.parcellation import Atlas

PACKAGED: dict[str, Callable[[], Atlas]] = {
    NAME: build_harvard_oxford,
    aal.NAME: aal.build_aal,
}


def load_atlas(
    name_or_path: str | Path = NAME,
    space: str = "MNI152NLin2009cAsym",
    templateflow_home: Path | None = None,
) -> Atlas:
    """Load an atlas; nothing is fetched.

    Parameters
    ----------
    name_or_path
        ``HarvardOxford``, ``AAL``, the path of a NIfTI file, or a TemplateFlow name such as
        ``Schaefer2018_desc-100Parcels7Networks``.
    space
        Template of the BOLD; a TemplateFlow atlas drawn in it is preferred.
    templateflow_home
        TemplateFlow folder, by default that of the environment.

    Raises
    ------
    MissingInputError
        If the atlas is not there.
    InputError
        If the file is not an atlas.
    """
    text = str(name_or_path)
    if packaged := packaged_name(text):
        return PACKAGED[packaged]()
    path = Path(text)
    named_file = text.endswith((".nii", ".nii.gz")) and not text.startswith("tpl-")
    if path.is_file() or named_file:
        return _read_once(path, _changed(path))
    path = find_templateflow(text, space, templateflow_home)
    return _read_once(path, _changed(path))


def packaged_name(text: str) -> str:
    """Name of the packaged atlas that a text means, in any usual spelling, else empty."""
    plain = text.lower().replace("-", "").replace("_", "")
    return {name.lower(): name for name in PACKAGED}.get(plain, "")


def space_note(atlas: Atlas, space: str) -> str:
    """Plain words where atlas and BOLD are drawn in different templates, else an empty string."""
    if space == atlas.space:
        return ""
    if atlas.space == "unknown":
        return f"the template of atlas {atlas.name} is not known; it is taken to be {space}"
    return (
        f"atlas {atlas.name} is in {atlas.space}, the BOLD in {space or 'an unnamed space'}: "
        "labels were resampled without a transform between the templates (some mm apart)"
    )


@lru_cache(maxsize=2)
def _read_once(path: Path, changed: int) -> Atlas:
    """Read a file again only if it has changed: every session of a worker asks for it."""
    return read_atlas_file(path)


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0

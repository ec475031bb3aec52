"""Methods text of a participant's page: what was done, in sentences, with references."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bids_brainage.report.methods_raw import (
    functional_paragraph,
    quality_paragraph,
    t1w_paragraph,
    volumes_paragraph,
)
from bids_brainage.report.reading import SessionDerivatives, number, texts
from bids_brainage.report.references import BY_LINK, PAPERS, Reference


def methods(
    sessions: Sequence[SessionDerivatives],
) -> tuple[list[tuple[str, list[Reference]]], dict[str, str]]:
    """Say what was done for a participant.

    Returns
    -------
    tuple
        Paragraphs with their references, and software versions by name.
    """
    paragraphs: list[tuple[str, list[str]]] = []
    anatomy = [session.anatomy for session in sessions if session.anatomy]
    runs = [run for session in sessions for run in session.raw_runs]
    if anatomy:
        paragraphs.append(t1w_paragraph(anatomy))
    if any(session.volumes for session in sessions):
        paragraphs.append(volumes_paragraph(sessions))
    if runs:
        paragraphs.append(functional_paragraph(runs))
    if any(session.morphometry for session in sessions):
        paragraphs.append(_morphometry(sessions))
    if any(session.connectivity or session.timeseries for session in sessions):
        paragraphs.append(_connectivity(sessions))
    if anatomy or runs:
        paragraphs.append(quality_paragraph())
    models = sorted(
        {
            row["model"]
            for session in sessions
            for row in session.predictions
            if row.get("status") == "ok" and row.get("model", "n/a") != "n/a"
        }
    )
    if models:
        paragraphs.append(_prediction(models))
    if any(session.trajectory_sidecar for session in sessions):
        paragraphs.append(_trajectory())
    versions: dict[str, str] = {}
    for session in sessions:
        if session.log is not None and isinstance(session.log.versions, dict):
            for name, version in session.log.versions.items():
                seen = versions.setdefault(str(name), str(version))
                if str(version) not in seen.split(", "):
                    versions[str(name)] = f"{seen}, {version}"
    versions = dict(sorted(versions.items())) | _model_versions(sessions)
    cited: list[tuple[str, list[Reference]]] = []
    for text, keys in paragraphs:
        papers = [PAPERS[key] for key in keys]
        if "nilearn" in keys:
            papers += _cited_presets(sessions)
        cited.append((text, list(dict.fromkeys(papers))))
    return cited, versions


def _morphometry(sessions: Sequence[SessionDerivatives]) -> tuple[str, list[str]]:
    software = _one_of([s.morphometry_sidecar.get("Software") for s in sessions])
    version = ", ".join(
        dict.fromkeys(
            str(v) for s in sessions if (v := s.morphometry_sidecar.get("SoftwareVersion"))
        )
    )
    known = version if version and version != "unknown" else "(version unknown)"
    name = f"{software or 'FreeSurfer'} {known}"
    text = (
        f"Morphometry. Cortical thickness of the Destrieux parcellation and volumes of the "
        f"subcortical segmentation were read from the statistics that {name} wrote. Names of "
        "measures that changed between versions were matched; a measure of zero counts as "
        "missing."
    )
    return text, ["freesurfer", "destrieux", "aseg"]


def _connectivity(sessions: Sequence[SessionDerivatives]) -> tuple[str, list[str]]:
    tables = [t for s in sessions for t in (*s.connectivity, *s.timeseries)]
    sidecars = [table.sidecar for table in tables]
    settings = _settings(sessions)
    named = _recorded_first(sidecars, "Atlas").get("Name")
    atlas = str(named or settings.get("atlas") or "the atlas")
    preset = _recorded_first(sidecars, "Denoising")
    name = preset.get("name") or settings.get("denoising") or "unknown"
    threshold = censoring_threshold(sidecars, settings)
    text = (
        "Functional connectivity. Preprocessed BOLD in standard space was averaged over the "
        f"{max(len(table.regions) for table in tables)} regions of {atlas} with nilearn, and "
        f"confounds were removed by regression. Denoising preset '{name}': "
        f"{preset.get('description') or 'see its sidecar.'} "
    )
    text += (
        f"Volumes with a framewise displacement above {threshold:g} mm were left out. "
        if threshold
        else "No volumes were censored for motion. "
    )
    text += (
        "Connectivity is the Pearson correlation between the cleaned series of two regions; "
        "regions without signal are missing, not zero."
    )
    recorded = " ".join(_recorded(sessions)).lower()
    keys = ["fmriprep"] if "fmriprep" in recorded else []
    keys += ["nilearn", "fd"]
    return text, [*keys, "harvardoxford"] if "harvard" in atlas.lower() else keys


def _prediction(models: list[str]) -> tuple[str, list[str]]:
    names = " and ".join(models)
    cards = "card of the model names" if len(models) == 1 else "cards of the models name"
    text = (
        "Prediction. Age (and sex, where the model tells it) was predicted by "
        f"{names}; the {cards} training samples, input order and error on unseen sites. "
        "The brain age gap is predicted minus "
        "chronological age. Predictions lean towards the mean age of the training people, so "
        "the gap depends on age; the corrected gap subtracts what the model's bias makes expected "
        "at that age. It uses the chronological age and is no measure of accuracy."
    )
    cited = ["mavae"] if any("mavae" in name.lower() for name in models) else []
    return text, [*cited, "bias", "pitfalls"]


def _trajectory() -> tuple[str, list[str]]:
    text = (
        "Measures at other ages. A conditional variational autoencoder of morphometry given age "
        "and sex told the mean and the standard deviation of each measure at the person's age, "
        "the person's deviation from them in standard deviations, the measures most likely for "
        "the person's code at other ages, and the age that fits the measures. "
        "It compares people of different ages and forecasts nobody's."
    )
    return text, ["vae", "normative"]


def _recorded_first(sidecars: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    """First sidecar's object of a key, empty if none has it."""
    objects = (sidecar.get(key) for sidecar in sidecars)
    return next((value for value in objects if isinstance(value, dict)), {})


def censoring_threshold(
    sidecars: Sequence[dict[str, Any]], settings: dict[str, Any]
) -> float | None:
    """Framewise displacement in mm above which volumes were left out, None if all were kept."""
    recorded = _recorded_first(sidecars, "Denoising").get("fd_threshold")
    for value in (recorded, settings.get("fd_threshold")):
        limit = number(value)
        if limit > 0:
            return limit
    return None


def _model_versions(sessions: Sequence[SessionDerivatives]) -> dict[str, str]:
    """Versions and checksums of the models, as the predictions' sidecars give them."""
    versions: dict[str, str] = {}
    for session in sessions:
        models = session.dictionary.get("Models")
        for name, entry in models.items() if isinstance(models, dict) else ():
            recorded = entry if isinstance(entry, dict) else {}
            version, checksum = recorded.get("Version"), str(recorded.get("SHA256"))
            text = f"{version or 'no version'}, sha256 {checksum[:16]}"
            versions.setdefault(f"model {name}", text)
        made = session.trajectory_sidecar
        if "SHA256" in made:
            text = f"{made.get('Version') or 'no version'}, sha256 {str(made['SHA256'])[:16]}"
            versions.setdefault(f"model {made.get('Model')}", text)
    return versions


def _cited_presets(sessions: Sequence[SessionDerivatives]) -> list[Reference]:
    """Papers a denoising preset names as ``Author year, doi:...``."""
    tables = [t for s in sessions for t in (*s.connectivity, *s.timeseries)]
    named = _recorded_first([table.sidecar for table in tables], "Denoising").get("references")
    cited = []
    for line in texts(named):
        text, mark, doi = line.partition(", doi:")
        if mark and re.fullmatch(r"10\.\d+/\S+", doi):
            link = f"https://doi.org/{doi}"
            cited.append(BY_LINK.get(link, Reference(text, link)))
    return cited


def _settings(sessions: Sequence[SessionDerivatives]) -> dict[str, Any]:
    for session in sessions:
        if session.log is not None and isinstance(session.log.settings, dict):
            return session.log.settings
    return {}


def _recorded(sessions: Sequence[SessionDerivatives]) -> Iterator[str]:
    for session in sessions:
        for table in (*session.connectivity, *session.timeseries):
            yield from texts(table.sidecar)
        if session.log is not None:
            yield from texts(session.log.sources)
            yield from (str(name) for name in session.log.versions or ())


def _one_of(values: list[Any]) -> str:
    return next((str(value) for value in values if value), "")

"""Write ``sub-X.html``: everything a person needs to judge one participant's prediction."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_brainage.report import pages
from bids_brainage.report.answer import NOT_CLINICAL, Answer, session_answers
from bids_brainage.report.citation import cited_papers
from bids_brainage.report.methods import methods
from bids_brainage.report.panels import SessionPanels, draw_session, remove_stale
from bids_brainage.report.reading import SessionDerivatives, find_sessions, read_session, texts

# Sidecar lists as long as the run, which the figures show better.
_LONG = ("FramewiseDisplacement", "RegionCentroids", "CensoredVolumes", "KeptVolumes", "Coverage")
# Sections that not every session has.
_OPTIONAL = ("explanation", "trajectory", "tissues", "standard", "coregistration")


@dataclass(frozen=True)
class SessionView:
    """One session as the template shows it."""

    label: str
    anchor: str
    answers: list[Answer]
    panels: SessionPanels
    problems: tuple[str, ...]
    sources: list[tuple[str, list[str]]]
    notes: list[str]
    settings: list[tuple[str, str]]
    sidecars: list[tuple[str, list[tuple[str, str]]]]
    files: list[tuple[str, bool]]
    cost: str


def write_participant_report(output_dir: Path, participant: str) -> Path:
    """Write a participant's page from the derivatives on disk.

    Parameters
    ----------
    participant
        Label without ``sub-``.

    Returns
    -------
    Path
        ``OUTPUT_DIR/sub-<participant>.html``.

    Raises
    ------
    OutputError
        If the page or a figure cannot be written.
    """
    participant = participant.removeprefix("sub-")
    sessions = [read_session(output_dir, key) for key in find_sessions(output_dir, participant)]
    views = [_view(output_dir, session, i) for i, session in enumerate(sessions)]
    participant_id = sessions[0].key.participant_id
    drawn = {panel.source for view in views for panel in view.panels.all}
    remove_stale(output_dir, participant_id, drawn)
    paragraphs, versions = methods(sessions)
    references = cited_papers(paragraphs)
    return pages.render(
        output_dir / f"{participant_id}.html",
        "participant.html",
        {
            "title": f"{participant_id}: brain age",
            "participant_id": participant_id,
            "views": views,
            "several": len(views) > 1,
            "predicted": any(a.has_age for view in views for a in view.answers),
            "disclaimer": NOT_CLINICAL,
            "quality": _quality(sessions),
            "shown": {
                part: any(getattr(view.panels, part) for view in views) for part in _OPTIONAL
            },
            "session_labels": [view.label for view in views],
            "paragraphs": paragraphs,
            "references": references,
            "versions": versions,
        },
    )


def _view(output_dir: Path, session: SessionDerivatives, position: int) -> SessionView:
    log = session.log
    label = session.key.session_id if session.key.session else "this participant"
    panels = draw_session(output_dir, session)
    return SessionView(
        label=label,
        anchor=f"s{position + 1}",
        answers=session_answers(session),
        panels=panels,
        problems=(*session.problems, *panels.problems),
        sources=_sources(log.sources) if log else [],
        notes=[str(note) for note in log.notes] if log else [],
        settings=list(flatten(log.settings)) if log else [],
        sidecars=_sidecars(session),
        files=_files(output_dir, log.derivatives) if log else [],
        cost=_cost(log.seconds, log.peak_memory_mb) if log else "",
    )


def _sidecars(session: SessionDerivatives) -> list[tuple[str, list[tuple[str, str]]]]:
    """File names and what the sidecars say of how they were made."""
    images = [session.anatomy] if session.anatomy else []
    named = [
        (files.paths[what].name, files.sidecars[what])
        for files in (*images, *session.raw_runs)
        for what in ("t1w", "standard_t1w", "bold")
        if what in files.paths
    ]
    named += [(t.path.name, t.sidecar) for t in (*session.connectivity, *session.timeseries)]
    return [(name, list(flatten(sidecar))) for name, sidecar in named if sidecar]


def flatten(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Turn nested JSON into rows of a name and a text; lists the length of a run are left out."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in _LONG:
                yield from flatten(value, f"{name} / {key}" if name else str(key))
    elif isinstance(content, list | tuple):
        if all(not isinstance(value, dict | list | tuple) for value in content):
            yield name, ", ".join(pages.compact(value) for value in content) or "none"
        else:
            for i, value in enumerate(content, start=1):
                yield from flatten(value, f"{name} {i}")
    else:
        yield name, "none" if content is None else pages.compact(content)


def _sources(sources: Any) -> list[tuple[str, list[str]]]:
    if not isinstance(sources, dict):
        return []
    return [(str(modality), list(texts(files))) for modality, files in sources.items()]


def _files(output_dir: Path, derivatives: Any) -> list[tuple[str, bool]]:
    """Files the session wrote, and whether each is still there to link to."""
    root = output_dir.resolve()
    return [
        (name, path.is_file() and path.resolve().is_relative_to(root))
        for name in texts(derivatives)
        if (path := output_dir / name).suffix
    ]


def _cost(seconds: float | None, memory: float | None) -> str:
    parts = []
    if seconds is not None:
        parts.append(f"{pages.decimals(seconds, 1)} s")
    if memory is not None:
        parts.append(f"at most {pages.decimals(memory, 0)} MB of memory")
    return ", ".join(parts)


def _quality(sessions: list[SessionDerivatives]) -> list[dict[str, Any]]:
    """Rows of the quality table: name, meaning, unit, one value per session."""
    names: dict[str, None] = {}
    for session in sessions:
        if session.log is not None and isinstance(session.log.quality, dict):
            names.update(dict.fromkeys(session.log.quality))
        for row in session.predictions:
            if "quality" in row:
                following = list(row)[list(row).index("quality") :]
                names = {**dict.fromkeys(following), **names}
    rows = []
    for name in names:
        meaning: dict[str, Any] = {}
        for session in sessions:
            entry = session.dictionary.get(name)
            meaning = meaning or (entry if isinstance(entry, dict) else {})
        values = [_quality_value(session, name) for session in sessions]
        if any(value != "n/a" for value in values):
            rows.append(
                {
                    "name": name.replace("_", " "),
                    "meaning": str(meaning.get("Description", "")),
                    "unit": str(meaning.get("Units", "")),
                    "values": values,
                }
            )
    return rows


def _quality_value(session: SessionDerivatives, name: str) -> str:
    if session.log is not None and isinstance(session.log.quality, dict):
        value = session.log.quality.get(name)
        if value is not None:
            return pages.compact(value)
    # Where models differ, the one that asks for a look.
    flagged = sorted(session.predictions, key=lambda row: row.get("quality") != "check")
    for row in flagged:
        cell = row.get(name, "n/a")
        if cell != "n/a":
            try:
                return pages.compact(float(cell))
            except ValueError:
                return cell
    return "n/a"

"""Methods text and references of a whole run, as ``logs/CITATION.md`` and ``logs/CITATION.bib``."""

import re
from collections.abc import Iterable
from pathlib import Path

from bids_brainage import __version__
from bids_brainage.bids import outputs
from bids_brainage.bids.scan import natural_key
from bids_brainage.report.methods import methods
from bids_brainage.report.reading import SessionDerivatives, find_sessions, read_session
from bids_brainage.report.references import Reference

_MARKS = re.compile(r"([\\`*_\[\]#|~])")


def write_citation(output_dir: Path) -> list[Path]:
    """Write how every participant in OUTPUT_DIR was processed, and what to cite.

    Parameters
    ----------
    output_dir
        Holds derivatives, logs and predictions of any number of participants; only sidecars,
        logs and small tables are read.

    Returns
    -------
        The Markdown text and the BibTeX file.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    found = sorted((p.name for p in output_dir.glob("sub-*") if p.is_dir()), key=natural_key)
    sessions = (
        read_session(output_dir, key, numbers=False)
        for name in found
        for key in find_sessions(output_dir, name.removeprefix("sub-"))
    )
    paragraphs, versions = methods(_differing(sessions))
    references = cited_papers(paragraphs)
    folder = output_dir / "logs"
    text = _markdown(paragraphs, references, versions)
    bibtex = "\n".join(reference.bibtex() for reference in references)
    return [
        outputs.write_text(folder / "CITATION.md", text),
        outputs.write_text(folder / "CITATION.bib", bibtex),
    ]


def _differing(sessions: Iterable[SessionDerivatives]) -> list[SessionDerivatives]:
    """First session of each that the text would say the same of: thousands are mostly alike."""
    first: dict[str, SessionDerivatives] = {}
    for session in sessions:
        first.setdefault(repr(methods([session])), session)
    return list(first.values())


def cited_papers(paragraphs: list[tuple[str, list[Reference]]]) -> list[Reference]:
    """All papers of a methods text, each once, by their authors."""
    return sorted({r for _, cited in paragraphs for r in cited}, key=lambda r: (r.text, r.link))


def _markdown(
    paragraphs: list[tuple[str, list[Reference]]],
    references: list[Reference],
    versions: dict[str, str],
) -> str:
    lines = [
        "# Methods",
        "",
        f"Brain age and sex were estimated with bids_brainage {__version__}. This text says what "
        "was done for the participants of this folder and may be used in publications; the papers "
        "are in CITATION.bib, too.",
        "",
    ]
    if not paragraphs:
        lines += ["Nothing was computed yet.", ""]
    for text, cited in paragraphs:
        papers = "; ".join(reference.short for reference in cited)
        lines += [_escaped(text) + (f" ({_escaped(papers)})" if papers else ""), ""]
    if references:
        lines += ["## References", ""]
        lines += [f"- {_escaped(r.full)}. <{_address(r.link)}>" for r in references]
        lines += [""]
    if versions:
        lines += ["## Software", ""]
        lines += [f"- {_escaped(name)} {_escaped(value)}" for name, value in versions.items()]
        lines += [""]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text of derivatives as plain Markdown, on one line."""
    plain = _MARKS.sub(r"\\\1", " ".join(text.split()))
    return plain.replace("<", "&lt;").replace(">", "&gt;")


def _address(link: str) -> str:
    return re.sub(r"[<>\s]", "", link)

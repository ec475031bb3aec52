"""Which files of an output the page of outputs describes."""

import re
from pathlib import Path

from tests.docs.pages import DOCS, rows

HEADERS = (("file", "what it holds"), ("file", "what it shows"))
SESSION = r"sub-[0-9A-Za-z]+/(ses-[0-9A-Za-z]+/)?"


def patterns() -> list[re.Pattern[str]]:
    """One per file of the tables; those of a session may stand in its folder."""
    found = []
    for header in HEADERS:
        for cells in rows(DOCS / "outputs.md", *header):
            name = cells[0].children[0].content
            name = re.sub(r"<\w+>", "[0-9A-Za-z]+", re.escape(name).replace("…", ".+"))
            found.append(re.compile(f"({SESSION})?{name}"))
    return found


def undescribed(output_dir: Path) -> list[str]:
    """Files that no row of the page stands for; a sidecar goes with its table or image."""
    known = patterns()
    files = [p for p in sorted(output_dir.rglob("*")) if p.is_file()]
    names = [p.relative_to(output_dir).as_posix() for p in files]
    described = {n for n in names if any(p.fullmatch(n) for p in known)}
    stems = {re.sub(r"\.(tsv|nii\.gz|txt)$", ".json", n) for n in described}
    return [n for n in names if n not in described | stems]

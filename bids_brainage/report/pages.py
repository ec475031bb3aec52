"""Fill the HTML templates: everything is escaped, nothing is loaded from the network."""

import base64
import math
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from bids_brainage import __version__
from bids_brainage.bids import outputs
from bids_brainage.errors import InputError


def render(path: Path, template: str, content: dict[str, Any]) -> Path:
    """Fill a template and write the page in one step.

    Parameters
    ----------
    template
        File name below ``templates``.
    content
        Names used by the template.

    Raises
    ------
    OutputError
        If the page cannot be written.
    """
    text = (
        _environment()
        .get_template(template)
        .render(version=__version__, dataset=_dataset_name(path.parent), **content)
    )
    return outputs.write_text(path, text)


def _dataset_name(output_dir: Path) -> str:
    """Name of the output dataset; empty where it has no description."""
    try:
        content = outputs.read_json(output_dir / "dataset_description.json")
    except InputError:
        return ""
    return str(content.get("Name", "")) if isinstance(content, dict) else ""


def years(value: float, signed: bool = False) -> str:
    """Format years with one decimal, ``n/a`` if missing."""
    return decimals(value, 1, signed)


def decimals(value: float, digits: int = 2, signed: bool = False) -> str:
    """Format a number with a true minus sign, ``n/a`` if missing."""
    if value is None or not math.isfinite(value):
        return "n/a"
    text = f"{abs(value):.{digits}f}"
    if value < 0 and float(text) != 0:
        return f"\N{MINUS SIGN}{text}"
    return f"+{text}" if signed and float(text) != 0 else text


def compact(value: Any) -> str:
    """Format any recorded value: four digits for fractions, ``n/a`` if missing."""
    if value is None or value == "":
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "n/a"
        return f"{value:.0f}" if value.is_integer() else f"{value:.4g}"
    return str(value)


def percent(value: float) -> str:
    """Format a share of 1 in percent."""
    return "n/a" if value is None or not math.isfinite(value) else f"{100 * value:.0f} %"


def breakable(name: str) -> str:
    """Name that may go on in the next line after its marks."""
    return re.sub(r"([:+_/-])(?=\w)", "\\1\N{ZERO WIDTH SPACE}", name)


def data_uri(svg: str) -> str:
    """Embed an SVG figure into the page itself."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def link(path: str) -> str:
    """Relative path as a link target."""
    return quote(path, safe="/+")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bids_brainage.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        years=years,
        decimals=decimals,
        compact=compact,
        percent=percent,
        link=link,
        breakable=breakable,
    )
    return environment

"""BIDS filter files with the meaning that fMRIPrep gives them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bids_brainage.bids.text import read_text
from bids_brainage.errors import MissingInputError, UsageError

# Names of pybids' entities; a filter names entities in full.
ENTITIES = frozenset({
    "subject", "session", "sample", "task", "tracksys", "acquisition", "nucleus", "volume",
    "ceagent", "staining", "tracer", "reconstruction", "direction", "run", "proc",
    "modality", "echo", "flip", "inv", "mt", "part", "recording", "space", "chunk",
    "suffix", "scans", "fmap", "datatype", "extension", "atlas", "roi", "label", "desc",
    "from", "to", "mode", "hemi", "segmentation", "res", "den", "model", "subset", "cohort",
})  # fmt: skip
SHORT_NAMES = {
    "sub": "subject", "ses": "session", "acq": "acquisition", "rec": "reconstruction",
    "dir": "direction", "ce": "ceagent", "seg": "segmentation", "mod": "modality",
    "proc": "proc", "resolution": "res", "density": "den", "description": "desc",
}  # fmt: skip
QUERIES = frozenset({
    "t1w", "t2w", "flair", "pd", "bold", "sbref", "fmap", "roi", "asl", "m0scan", "dwi",
    "pet", "mp2rage",
})  # fmt: skip
INTEGERS = frozenset({"run", "echo", "flip", "inv", "chunk"})
ANY = "*"


@dataclass(frozen=True)
class Query:
    """Conditions on a file's entities, all of which must hold.

    Parameters
    ----------
    conditions
        Entity name to accepted values; a None among them accepts the absence of the entity,
        ``*`` any value.
    regex
        Whether values are regular expressions, searched for anywhere in the entity's value.
    """

    conditions: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    regex: bool = False

    def failing(self, entities: Mapping[str, Any], ignore: frozenset[str] = frozenset()) -> str:
        """First condition that does not hold, in plain words; empty if all do.

        Parameters
        ----------
        entities
            Entity name to value, as pybids parses a file name.
        ignore
            Entities whose conditions do not apply to the file.
        """
        for entity, accepted in self.conditions.items():
            value = entities.get(entity)
            if entity in ignore or any(self._holds(entity, value, a) for a in accepted):
                continue
            return f"{entity} is {'absent' if value is None else value}"
        return ""

    def _holds(self, entity: str, value: Any, accepted: str | None) -> bool:
        if value is None or accepted is None:
            return value is None and accepted is None
        text = str(value)
        if accepted == ANY:
            return True
        if self.regex:
            return re.search(accepted, text) is not None
        if entity == "extension":
            return text.lstrip(".") == accepted.lstrip(".")
        if entity in INTEGERS and text.isdecimal() and accepted.isdecimal():
            return int(text) == int(accepted)
        return text == accepted


def read_filters(path: Path) -> dict[str, Query]:
    """Read a BIDS filter file, such as ``{"bold": {"task": "rest", "acquisition": null}}``.

    ``null`` or ``"Query.NONE"`` accepts files without the entity, ``"*"`` or ``"Query.ANY"``
    those with any value, a list any of its members; ``"regex_search": true`` makes the values
    of its query regular expressions. Queries other than ``bold`` and ``t1w`` are not used.

    Raises
    ------
    MissingInputError
        If the file does not exist.
    UsageError
        If it is not JSON, or a key or value has no meaning.
    """
    try:
        content = json.loads(read_text(path))
    except FileNotFoundError as error:
        raise MissingInputError("the BIDS filter file does not exist", place=path) from error
    except OSError as error:
        raise UsageError(f"cannot read the BIDS filter file: {error}", place=path) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the BIDS filter file is not JSON: {error}", place=path,
                         hint="check commas and quotes") from error  # fmt: skip
    return parse_filters(content, place=path)


def parse_filters(content: Any, place: str | Path = "--bids-filter-file") -> dict[str, Query]:
    """Turn the content of a BIDS filter file into queries; see :func:`read_filters`.

    Raises
    ------
    UsageError
        If a key or value has no meaning.
    """
    if not isinstance(content, dict):
        raise UsageError("the filter is not an object of queries", place=place,
                         hint='write {"bold": {"task": "rest"}}')  # fmt: skip
    queries = {}
    for name, conditions in content.items():
        if name not in QUERIES:
            raise UsageError(f"unknown query '{name}'", place=place,
                             hint=f"use {', '.join(sorted(QUERIES))}")  # fmt: skip
        if not isinstance(conditions, dict):
            raise UsageError(f"query '{name}' is not an object of entities", place=place,
                             hint=f'write {{"{name}": {{"session": "1"}}}}')  # fmt: skip
        queries[name] = _query(name, conditions, place)
    return queries


def _query(name: str, conditions: dict[str, Any], place: str | Path) -> Query:
    rest = dict(conditions)
    regex = rest.pop("regex_search", False)
    if not isinstance(regex, bool):
        raise UsageError(f"regex_search of query '{name}' is {regex!r}", place=place,
                         hint="write true or false")  # fmt: skip
    parsed: dict[str, tuple[str | None, ...]] = {}
    for entity, values in rest.items():
        if entity not in ENTITIES:
            near = SHORT_NAMES.get(entity)
            hint = f"write {near}" if near else "use pybids' entity names"
            raise UsageError(f"unknown entity '{entity}' in query '{name}'", place=place, hint=hint)
        listed = values if isinstance(values, list) else [values]
        if not listed or "Query.OPTIONAL" in listed:
            continue
        parsed[entity] = tuple(_value(v, f"{name}.{entity}", place) for v in listed)
        if regex:
            _check_patterns(parsed[entity], f"{name}.{entity}", place)
    return Query(parsed, regex)


def _value(value: Any, key: str, place: str | Path) -> str | None:
    if value is None or value == "Query.NONE":
        return None
    if value in ("Query.ANY", "Query.REQUIRED"):
        return ANY
    if isinstance(value, bool | dict | list | float):
        hint = 'write a text, a whole number, null, "*" or a list of them'
        raise UsageError(f"value {value!r} of '{key}' has no meaning", place=place, hint=hint)
    return str(value)


def _check_patterns(values: tuple[str | None, ...], key: str, place: str | Path) -> None:
    for value in values:
        try:
            re.compile("" if value in (None, ANY) else value)
        except re.error as error:
            raise UsageError(f"'{value}' of '{key}' is not a regular expression: {error}",
                             place=place, hint="or leave out regex_search") from error  # fmt: skip

"""OUTPUT_DIR as a BIDS dataset of its own, apart from every input."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bids_brainage import __version__
from bids_brainage.bids.outputs import (
    BIDS_VERSION,
    read_json,
    remove_leftovers,
    write_json,
    write_text,
)
from bids_brainage.errors import InputError, OutputError

PROGRAM = "bids_brainage"
REPOSITORY = "https://github.com/bids-apps/bids_brainage"
# What BIDS has no schema for yet; fMRIPrep ignores its reports and figures the same way.
IGNORED = (
    "*.html",
    "logs",
    "work",
    "figures",
    "*_log.json",
    "*_predictions.*",
    "*_explanation.*",
    "*_morph.*",
    "*_relmat.*",
    "*_timeseries.*",
    "group_brainage.*",
    "group_brainage_effects.*",
    "idp",
)


def prepare_output(
    output_dir: Path, bids_dir: Path, links: Mapping[str, Path], name: str = "", doi: str = ""
) -> None:
    """Create OUTPUT_DIR with its dataset description and ``.bidsignore``.

    Parameters
    ----------
    name, doi
        Name and DOI of the input dataset.
    links
        Datasets that BIDS URIs in the sidecars name, with their folders.

    Raises
    ------
    OutputError
        If it cannot be written, or is an input or somebody else's dataset.
    """
    _refuse_foreign(output_dir, [bids_dir, *links.values()])
    description = {
        "Name": f"Brain age and sex of: {name or bids_dir.resolve().name}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "License": "n/a",
        "GeneratedBy": [{"Name": PROGRAM, "Version": __version__, "CodeURL": REPOSITORY}],
        "SourceDatasets": [{"URL": bids_dir.resolve().as_uri()} | ({"DOI": doi} if doi else {})],
        "DatasetLinks": {name: folder.resolve().as_uri() for name, folder in links.items()},
        "HowToAcknowledge": "Cite the papers listed in the methods text of each report.",
    }
    write_json(output_dir / "dataset_description.json", description)
    write_text(output_dir / ".bidsignore", "\n".join(IGNORED) + "\n")
    logs = output_dir / "logs"
    remove_leftovers(output_dir, logs, logs / "started", output_dir / "phenotype")


def _refuse_foreign(output_dir: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write into an input, or into a dataset that another program made."""
    hint = "choose a folder of its own"
    place = output_dir.resolve()
    for folder in (root.resolve() for root in inputs):
        if place == folder:
            raise OutputError("OUTPUT_DIR is an input dataset", place=output_dir, hint=hint)
        # BIDS_DIR/derivatives is where many keep outputs; a participant's folder is not.
        below = place.relative_to(folder).parts if place.is_relative_to(folder) else ()
        if any(part.startswith("sub-") for part in below):
            raise OutputError(
                "OUTPUT_DIR is in the folder of a participant of an input dataset",
                place=output_dir, hint=hint,
            )  # fmt: skip
    description = output_dir / "dataset_description.json"
    if not description.is_file():
        return
    try:
        made_by = [str(item.get("Name")) for item in read_json(description)["GeneratedBy"]]
    except (InputError, KeyError, TypeError, AttributeError):
        made_by = []
    if PROGRAM not in made_by:
        raise OutputError(
            "OUTPUT_DIR holds a dataset that this App did not write", place=output_dir, hint=hint
        )

"""The Boutiques descriptor of the BIDS App, generated from its parser."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bids_brainage import __version__
from bids_brainage.cli.app_parser import LEVELS, build_parser
from bids_brainage.cli.arguments import count, millimetres, positive

IMAGE = f"bids/bids_brainage:{__version__}"
POSITIONALS = ("bids_dir", "output_dir", "analysis_level")
# Where the descriptor rules of BIDS Apps want them on the command line.
LEADING = ("participant_labels", "session_labels")
# Accepted for compatibility, or of no use in a description.
LEFT_OUT = ("help", "version", "skip_bids_validation", "verbose")
FLAG_KEYS = {"participant_labels": "[PARTICIPANT_LABEL]", "session_labels": "[SESSION_LABEL]"}
# What CBRAIN's Boutiques integrator reads. A single subject gets a dataset made around it; an
# existing OUTPUT_DIR is copied, as it is written to; the results of exit code 1 are kept, as its
# table says who failed and why; a work folder named "work" is removed afterwards.
CBRAIN = {
    "cbrain:author": "The bids_brainage developers",
    "cbrain:readonly-input-files": True,
    "cbrain:integrator_modules": {
        "BoutiquesFileTypeVerifier": {
            "bids_dir": ["BidsDataset", "BidsSubject"],
            "output_dir": ["FileCollection"],
            "bids_filter_file": ["SingleFile"],
            "fs_subjects_dir": ["FileCollection"],
            "config_file": ["SingleFile"],
            "weights": ["SingleFile"],
        },
        "BoutiquesBidsSingleSubjectMaker": {
            "dataset_input_id": "bids_dir",
            "subjects_input_id": "participant_labels",
            "keep_sub_prefix": False,
        },
        "BoutiquesInputCopier": {
            "output_dir": {"checkbox_selected": True, "checkbox_hidden": True}
        },
        "BoutiquesOutputFileTypeSetter": {"output": "FileCollection"},
        "BoutiquesAllowedExitCodes": [0, 1],
        "BoutiquesPostProcessingCleaner": ["work"],
    },
}


def build_descriptor() -> dict[str, Any]:
    """Describe ``bids_brainage`` for Boutiques and for platforms that read it.

    Source: Glatard et al. 2018, doi:10.1093/gigascience/giy016; rules of ``bosh validate --bids``.
    """
    parser = build_parser()
    actions = {action.dest: action for action in parser._actions if action.dest not in LEFT_OUT}
    options = [a for dest, a in actions.items() if dest not in (*POSITIONALS, *LEADING)]
    keys = " ".join(value_key(action.dest) for action in options)
    return {
        "name": "bids_brainage",
        "tool-version": __version__,
        "schema-version": "0.5",
        "description": parser.description,
        "author": "The bids_brainage developers",
        "url": "https://github.com/bids-apps/bids_brainage",
        "command-line": "mkdir -p [OUTPUT_DIR]; bids_brainage [BIDS_DIR] [OUTPUT_DIR] "
        f"[ANALYSIS_LEVEL] [PARTICIPANT_LABEL] [SESSION_LABEL] {keys}",
        "container-image": {"type": "docker", "image": IMAGE, "index": "docker://"},
        "inputs": [
            *_positional_inputs(),
            *(_option_input(actions[dest]) for dest in LEADING),
            *(_option_input(action) for action in options),
        ],
        "groups": _groups(parser, {action.dest for action in options} | set(LEADING)),
        "output-files": [
            {
                "id": "output",
                "name": "Derivatives, reports and group table",
                "path-template": "[OUTPUT_DIR]",
            }
        ],
        "error-codes": [
            {"code": 1, "description": "Some sessions failed or had no input."},
            {"code": 2, "description": "The command line is wrong."},
            {"code": 16, "description": "The dataset is unusable, or invalid under --validate."},
            {"code": 18, "description": "The selection leaves nothing to do."},
            {"code": 66, "description": "A named input does not exist."},
            {"code": 73, "description": "The output cannot be written."},
        ],
        "suggested-resources": {"cpu-cores": 2, "ram": 4, "walltime-estimate": 600},
        "tags": {"domain": ["neuroinformatics", "mri", "fmri"], "modality": ["T1w", "BOLD"]},
        "custom": CBRAIN,
    }


def value_key(dest: str) -> str:
    """Boutiques placeholder of an option."""
    return FLAG_KEYS.get(dest, f"[{dest.upper()}]")


def _positional_inputs() -> list[dict[str, Any]]:
    # The rules of BIDS Apps want two inputs of one key; bosh fills in the first, or nothing.
    return [
        {
            "id": "bids_dir",
            "name": "BIDS_DIR",
            "type": "File",
            "optional": False,
            "value-key": "[BIDS_DIR]",
            "description": "BIDS dataset, or an fMRIPrep output dataset.",
        },
        {
            "id": "output_dir_name",
            "name": "OUTPUT_DIR",
            "type": "String",
            "optional": False,
            "value-key": "[OUTPUT_DIR]",
            "description": "Folder for derivatives, reports and the group table; made if needed.",
        },
        {
            "id": "output_dir",
            "name": "OUTPUT_DIR that exists",
            "type": "File",
            "optional": True,
            "value-key": "[OUTPUT_DIR]",
            "description": "The same folder, given as well where it exists already and a platform "
            "has to fetch or to mount it (a group level, a rerun).",
        },
        {
            "id": "analysis_level",
            "name": "Analysis level",
            "type": "String",
            "optional": False,
            "value-key": "[ANALYSIS_LEVEL]",
            "value-choices": list(LEVELS),
            "list": True,
            "description": "participant, group, or both in this order.",
        },
    ]


def _groups(parser: argparse.ArgumentParser, options: set[str]) -> list[dict[str, Any]]:
    titles = [(group.title or "", group._group_actions) for group in parser._action_groups]
    members = [(title, [a.dest for a in actions if a.dest in options]) for title, actions in titles]
    return [
        {"id": title.replace(" ", "_"), "name": title.capitalize(), "members": dests}
        for title, dests in members
        if dests
    ]


def _option_input(action: argparse.Action) -> dict[str, Any]:
    flag = next(name for name in action.option_strings if name.startswith("--"))
    found: dict[str, Any] = {
        "id": action.dest,
        "name": flag.lstrip("-").replace("-", " ").capitalize(),
        "description": (action.help or "").replace("%%", "%"),
        "type": _kind(action),
        "optional": True,
        "value-key": value_key(action.dest),
        "command-line-flag": flag,
    }
    if action.nargs == "+":
        found["list"] = True
    if action.choices:
        found["value-choices"] = list(action.choices)
    if action.type in (positive, count):
        found |= {"integer": True, "minimum": int(action.type is positive)}
    return found


def _kind(action: argparse.Action) -> str:
    if action.nargs == 0:
        return "Flag"
    if action.type is Path:
        # A work folder need not exist yet.
        return "String" if action.dest == "work_dir" else "File"
    return "Number" if action.type in (positive, count, millimetres) else "String"


def main() -> int:
    """Write the descriptor to standard output."""
    sys.stdout.write(json.dumps(build_descriptor(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

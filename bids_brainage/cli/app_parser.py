"""Arguments of ``bids_brainage BIDS_DIR OUTPUT_DIR {participant,group}``."""

import argparse
from pathlib import Path

from bids_brainage import __version__
from bids_brainage.cli.arguments import (
    Extend,
    batch,
    count,
    device,
    labels,
    millimetres,
    positive,
)
from bids_brainage.cli.group_options import add_group_options
from bids_brainage.config import DEFAULT_ATLAS

LEVELS = ("participant", "group")
STAGES = ("all", "extract", "predict")
EPILOG = """examples:
  bids_brainage /data /out participant --participant-label 01 02
  bids_brainage /data /out participant group --derivatives fmriprep=/prep
  bids_brainage /data /out group --group-by diagnosis --bias-fit "diagnosis == 'control'"
  bids_brainage /data /out participant --dry-run

exit codes: 0 all sessions ok; 1 some sessions failed; 2 command line; 16 dataset unusable;
18 nothing selected; 66 named input missing; 73 output not writable; 130, 143 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; ``boutiques.json`` is generated from it."""
    parser = argparse.ArgumentParser(
        prog="bids_brainage",
        description="Brain age and sex from T1w and BOLD images: from FreeSurfer and fMRIPrep "
        "outputs where there are any, else from the raw images.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "bids_dir",
        type=Path,
        metavar="BIDS_DIR",
        help="BIDS dataset, or an fMRIPrep output dataset (never written to)",
    )
    parser.add_argument(
        "output_dir",
        type=Path,
        metavar="OUTPUT_DIR",
        help="folder for derivatives, reports and the group table",
    )
    parser.add_argument(
        "analysis_level",
        nargs="+",
        choices=LEVELS,
        metavar="{participant,group}",
        help="participant: features, predictions and reports per session; "
        "group: one table and page over everything in OUTPUT_DIR",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_selection(parser)
    _add_inputs(parser)
    _add_processing(parser)
    _add_raw(parser)
    add_group_options(parser)
    _add_running(parser)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to process")
    group.add_argument(
        "--participant-label",
        "--participant_label",
        "--participant-labels",
        dest="participant_labels",
        nargs="+",
        type=labels,
        action=Extend,
        metavar="LABEL",
        help="participants, with or without sub-, separated by spaces or commas",
    )
    group.add_argument(
        "--session-label",
        "--session_label",
        "--session-id",
        dest="session_labels",
        nargs="+",
        type=labels,
        action=Extend,
        metavar="LABEL",
        help="sessions, with or without ses-",
    )
    group.add_argument(
        "-t",
        "--task-id",
        "--task_id",
        "--task-label",
        dest="task_ids",
        nargs="+",
        type=labels,
        action=Extend,
        metavar="TASK",
        help="BOLD tasks to use (default: rest-like tasks)",
    )
    group.add_argument(
        "--bids-filter-file",
        type=Path,
        metavar="FILE",
        help="JSON of pybids filters per kind of input (bold, t1w), as in fMRIPrep",
    )
    group.add_argument(
        "--batch",
        type=batch,
        metavar="I/N",
        help="the I-th of N shares of the participants (default: all; in a Slurm array without "
        "--participant-label, the task's share)",
    )


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where inputs are")
    group.add_argument(
        "-d",
        "--derivatives",
        nargs="+",
        action=Extend,
        metavar="NAME=PATH",
        help="preprocessed datasets (default: those in BIDS_DIR/derivatives)",
    )
    group.add_argument(
        "--fs-subjects-dir",
        type=Path,
        metavar="PATH",
        help="FreeSurfer or FastSurfer subjects folder (default: searched for)",
    )
    group.add_argument(
        "--validate",
        action="store_true",
        help="run the BIDS validator on BIDS_DIR; an invalid dataset stops the run",
    )
    group.add_argument(
        "--skip-bids-validation",
        "--skip_bids_validator",
        action="store_true",
        help="accepted for compatibility: validation only runs with --validate",
    )


def _add_processing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("features and models")
    group.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="names of shipped models or folders of own ones (default: mavae for FreeSurfer "
        "morphometry and connectivity, volumes for a raw T1w alone)",
    )
    group.add_argument(
        "--weights",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="weights for --models sfcn, as their authors publish them: for age, and for sex if "
        "wanted",
    )
    group.add_argument(
        "--atlas",
        default=DEFAULT_ATLAS,
        metavar="NAME_OR_PATH",
        help="HarvardOxford (default), a label image, or a TemplateFlow name",
    )
    group.add_argument(
        "--denoising",
        default="default",
        metavar="PRESET_OR_PATH",
        help="denoising preset or JSON file (default: as in the training data)",
    )
    group.add_argument(
        "--fd-threshold",
        type=millimetres,
        metavar="MM",
        help="censor volumes with more framewise displacement (default: none)",
    )


def _add_raw(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("raw images")
    group.add_argument(
        "--no-raw",
        action="store_true",
        help="do not preprocess raw images; use derivatives only",
    )
    group.add_argument(
        "--dummy-scans",
        type=count,
        metavar="N",
        help="volumes before steady state in raw BOLD (default: found by their signal)",
    )
    group.add_argument(
        "--ignore",
        nargs="+",
        choices=("slicetiming", "derivatives"),
        default=[],
        help="slicetiming: leave out this step for raw BOLD; derivatives: use raw images although "
        "BIDS_DIR holds derivatives (those named are used)",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to run")
    group.add_argument(
        "--stage",
        choices=STAGES,
        default="all",
        help="participant level in two steps: extract (features, CPU), then predict (models, "
        "GPU where there is one; needs no images); default: all",
    )
    group.add_argument(
        "--device",
        type=device,
        default="auto",
        metavar="auto|cpu|cuda[:N]",
        help="where the models run (default: auto)",
    )
    group.add_argument(
        "--batch-size",
        type=positive,
        default=64,
        metavar="N",
        help="sessions predicted at once (default: 64)",
    )
    group.add_argument(
        "--nprocs",
        "--n-cpus",
        "--n_cpus",
        "--nthreads",
        type=positive,
        default=None,
        metavar="N",
        help="CPUs to use (default: those available)",
    )
    group.add_argument(
        "--omp-nthreads",
        "--omp_nthreads",
        type=positive,
        default=None,
        metavar="N",
        help="threads of each worker for raw images (default: at most 4, as memory allows)",
    )
    group.add_argument(
        "-w",
        "--work-dir",
        "--work_dir",
        type=Path,
        metavar="PATH",
        help="folder that keeps the results of slow steps of raw images, for reuse by a rerun "
        "(default: work in OUTPUT_DIR; it may be deleted afterwards)",
    )
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="show what was found and would be used, and why; write nothing",
    )
    group.add_argument(
        "--force", action="store_true", help="compute everything again, also what is already there"
    )
    group.add_argument(
        "--config-file",
        type=Path,
        metavar="FILE",
        help="TOML file with option = value lines; the command line wins",
    )
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="say more (-v: what is done, -vv: everything)",
    )

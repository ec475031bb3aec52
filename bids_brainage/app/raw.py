"""Preprocess a session's raw images, write what comes of them, and judge it."""

import logging
import shutil
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.outputs import session_file, write_text
from bids_brainage.config import RunConfig
from bids_brainage.errors import BrainAgeError, OutputError
from bids_brainage.features.image_quality import functional_quality, mean_quality
from bids_brainage.features.quality_checks import check_function
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import find_model
from bids_brainage.preprocessing.step_cache import StepCache
from bids_brainage.records.inputs import BoldRun, SessionInputs
from bids_brainage.records.raw import AnatomicalResult, RawBold
from bids_brainage.records.session import SessionKey

logger = logging.getLogger(__name__)
SEGMENTER = "resunet"
CACHE = "bids_brainage"
NO_MEMORY = "there was not enough memory: use a lower --nprocs, or a machine with more"
Quality = dict[str, float | None]
Say = Callable[[str], None]


@dataclass
class Preprocessed:
    """What came of the raw runs of a session.

    Parameters
    ----------
    runs
        Preprocessed runs, as fMRIPrep would have left them.
    quality
        Quality numbers of the runs, averaged by number of volumes.
    problems
        Why a run was left out.
    """

    runs: list[BoldRun] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    quality: Quality = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def prepare_anatomy(
    config: RunConfig, inputs: SessionInputs, threads: int, say: Say
) -> AnatomicalResult:
    """Run the anatomical path on the session's T1w.

    Raises
    ------
    InputError
        If the image is unusable or a step fails.
    """
    from bids_brainage.predict.device import resolve_device
    from bids_brainage.preprocessing.anatomical.pipeline import preprocess_t1w
    from bids_brainage.preprocessing.segmentation import segment

    assert inputs.t1w is not None
    segmenter = partial(segment, model=SEGMENTER, device=str(resolve_device(config.device)))
    work = step_cache(config, inputs, inputs.t1w.path)
    return preprocess_t1w(
        inputs.t1w,
        work,
        segmenter=segmenter,
        segmenter_name=segmenter_version(),
        threads=threads,
        progress=say,
    )


def segmenter_version() -> str:
    """Name and hash of the segmentation network: results of another one are not reused."""
    card = read_card(find_model(SEGMENTER) / CARD_NAME)
    return f"{card.name} {card.version} {card.sha256[:12]}"


def write_anatomy(
    config: RunConfig, dataset: Dataset, inputs: SessionInputs, anatomy: AnatomicalResult
) -> list[Path]:
    """Write the derivatives of the anatomical path and return their paths.

    Raises
    ------
    OutputError
        If OUTPUT_DIR cannot be written.
    """
    from bids_brainage.preprocessing.anatomical.outputs import write_anatomical

    folder = session_file(config.output_dir, inputs.key, "x", "anat").parent
    return write_anatomical(anatomy, folder, inputs.key.stem, [dataset.uri(anatomy.source.path)])


def prepare_runs(
    config: RunConfig,
    dataset: Dataset,
    inputs: SessionInputs,
    anatomy: AnatomicalResult,
    threads: int,
    say: Say,
) -> Preprocessed:
    """Run the functional path on every raw run; a broken run does not spoil the others.

    Raises
    ------
    OutputError
        If OUTPUT_DIR or the work folder cannot be written.
    """
    from bids_brainage.preprocessing.functional.echoes import choose_echo

    done = Preprocessed()
    chosen, notes = choose_echo(inputs.raw_runs)
    done.notes += notes
    numbers: list[Quality] = []
    for run in chosen:
        try:
            quality = _prepare_run(config, dataset, inputs, anatomy, run, threads, say, done)
        except OutputError:
            raise
        except Exception as error:
            told = why(error, config, f"{inputs.key.stem}-{run.label}")
            done.problems.append(f"run {run.label} left out: {told}")
        else:
            numbers.append(quality)
    done.quality = mean_quality(numbers)
    return done


def _prepare_run(
    config: RunConfig,
    dataset: Dataset,
    inputs: SessionInputs,
    anatomy: AnatomicalResult,
    run: RawBold,
    threads: int,
    say: Say,
    done: Preprocessed,
) -> Quality:
    from bids_brainage.preprocessing.functional.outputs import write_functional
    from bids_brainage.preprocessing.functional.pipeline import preprocess_bold

    result = preprocess_bold(
        run,
        anatomy,
        step_cache(config, inputs, run.path),
        dummy_scans=config.dummy_scans,
        slice_timing=config.slice_timing,
        threads=threads,
        progress=lambda text: say(f"{run.label}: {text}"),
    )
    folder = session_file(config.output_dir, inputs.key, "x", "func").parent
    stem = "_".join((inputs.key.stem, run.label))
    written = write_functional(result, folder, stem, [dataset.uri(run.path)])
    done.files += [p for p in sorted(folder.glob(f"{stem}_*")) if p not in done.files]
    quality = functional_quality(result)
    check_function(quality, run.path)
    done.runs.append(written)
    done.notes += [f"{run.label}: {note}" for note in result.notes]
    return quality


def why(error: Exception, config: RunConfig, name: str) -> str:
    """Reason for a table; what nobody foresaw leaves its traceback in the logs, too."""
    if isinstance(error, BrainAgeError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{NO_MEMORY} ({error})"
    crash = config.output_dir / "logs" / f"crash-{name}.txt"
    write_text(crash, "".join(traceback.format_exception(error)))
    return f"unexpected {type(error).__name__}: {error} (see {crash.name})"


def work_folder(config: RunConfig) -> Path:
    """Folder that keeps the results of slow steps."""
    return config.work_dir or config.output_dir / "work"


def step_cache(config: RunConfig, inputs: SessionInputs, image: Path) -> StepCache:
    """Cache of one image's steps; sessions that share a T1w share its steps."""
    name = image.name.split(".")[0]
    return StepCache(work_folder(config) / CACHE / inputs.key.participant_id / name)


def forget(config: RunConfig, participants: Iterable[str]) -> None:
    """Remove the cached steps of participants, so that they are computed again.

    Called before any work: sessions of a participant may share a T1w.
    """
    for label in participants:
        folder = work_folder(config) / CACHE / SessionKey(label).participant_id
        shutil.rmtree(folder, ignore_errors=True)

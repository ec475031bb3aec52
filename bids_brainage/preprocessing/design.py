"""Build the matrix of confounds that a preset asks for, of the table or of the run itself."""

from dataclasses import dataclass, field

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.bold import BoldSignals
from bids_brainage.preprocessing.confounds import MOTION, ConfoundsTable
from bids_brainage.preprocessing.denoising import Denoising
from bids_brainage.preprocessing.tissues import noise_components, polynomial_trend

_FMRIPREP_HIGH_PASS = 1 / 128


@dataclass
class Design:
    """Confounds of one run.

    Parameters
    ----------
    columns
        Name to values, one per volume.
    computed
        Names that the table lacked and that were computed from the run.
    notes
        Choices in plain words.
    """

    columns: dict[str, np.ndarray] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def matrix(self, n_volumes: int) -> np.ndarray:
        """Volumes x confounds."""
        if not self.columns:
            return np.empty((n_volumes, 0))
        return np.column_stack(list(self.columns.values()))


def needs_tissues(preset: Denoising, table: ConfoundsTable | None) -> bool:
    """Whether white-matter and CSF voxels of the run itself are needed."""
    if preset.compcor and (table is None or not table.components(preset.compcor["mask"])):
        return True
    return any(table is None or not table.has(name) for name in preset.tissue_signals)


def confound_design(
    preset: Denoising,
    table: ConfoundsTable | None,
    signals: BoldSignals,
    steady: np.ndarray,
    repetition_time: float | None,
) -> Design:
    """Collect the confounds of a preset.

    Parameters
    ----------
    table
        fMRIPrep's table; None if the run has none.
    signals
        Signals of the run, with tissue voxels where :func:`needs_tissues` says so.
    steady
        Volumes of the steady state (boolean, one per volume).
    repetition_time
        Seconds; needed for cosines that the table lacks.

    Raises
    ------
    InputError
        If a confound is neither in the table nor computable.
    """
    design = Design()
    n_volumes = len(signals.global_signal)
    if preset.motion != "none":
        if table is None:
            raise InputError(
                f"preset '{preset.name}' needs motion parameters and the run has no confounds",
                hint="run fMRIPrep for this run (--denoising minimal does without, but the "
                "shipped model does not take it)",
            )
        _add_motion(design, preset.motion, table)
    _add_tissues(design, preset, table, signals)
    if preset.compcor:
        _add_compcor(design, preset.compcor, table, signals, steady)
    if preset.trend:
        trend = polynomial_trend(n_volumes, preset.trend)
        for order in range(preset.trend):
            design.columns[f"trend{order + 1}"] = trend[:, order]
    if preset.cosines and preset.high_pass:
        _add_cosines(design, preset.high_pass, table, n_volumes, repetition_time)
    constant = [name for name, values in design.columns.items() if np.ptp(values[steady]) == 0]
    for name in constant:
        del design.columns[name]
    if constant:
        design.notes.append(f"constant confounds left out: {', '.join(constant)}")
    return design


def _add_motion(design: Design, model: str, table: ConfoundsTable) -> None:
    motion = table.motion()
    for name, values in zip(MOTION, motion.T, strict=True):
        design.columns[name] = values
        if model == "friston24":
            before = np.concatenate([values[:1], values[:-1]])
            design.columns[f"{name}_lag1"] = before
            design.columns[f"{name}_power2"] = values**2
            design.columns[f"{name}_lag1_power2"] = before**2
        elif model != "basic6":
            change = _derivative(design, name, values, table)
            if model == "derivatives24":
                design.columns[f"{name}_power2"] = values**2
                design.columns[f"{name}_derivative1_power2"] = change**2


def _derivative(
    design: Design, name: str, values: np.ndarray, table: ConfoundsTable | None
) -> np.ndarray:
    """First difference, zero for the first volume; of the table where it has it."""
    column = f"{name}_derivative1"
    if table is not None and table.has(column):
        change = table.get(column)
    else:
        change = np.diff(values, prepend=values[0])
        design.computed.append(column)
    design.columns[column] = change
    return change


def _add_tissues(
    design: Design, preset: Denoising, table: ConfoundsTable | None, signals: BoldSignals
) -> None:
    sources = {"white_matter": signals.white_matter, "csf": signals.csf}
    names = [*preset.tissue_signals, *(["global_signal"] if preset.global_signal else [])]
    for name in names:
        if table is not None and table.has(name):
            values = table.get(name)
            change_table: ConfoundsTable | None = table
        elif name == "global_signal":
            values, change_table = signals.global_signal, None
        else:
            voxels = sources[name]
            if voxels is None or voxels.shape[1] == 0:
                raise InputError(
                    f"no voxel of {name.replace('_', ' ')} in the run",
                    hint="use fMRIPrep's confounds, or --denoising 24P",
                )
            values, change_table = voxels.mean(axis=1).astype(np.float64), None
        if change_table is None:
            design.computed.append(name)
        design.columns[name] = values
        if preset.expansion != "none":
            change = _derivative(design, name, values, change_table)
            if preset.expansion == "full":
                design.columns[f"{name}_power2"] = values**2
                design.columns[f"{name}_derivative1_power2"] = change**2


def _add_compcor(
    design: Design,
    wanted: dict,
    table: ConfoundsTable | None,
    signals: BoldSignals,
    steady: np.ndarray,
) -> None:
    number = int(wanted["components"])
    found = table.components(wanted["mask"])[:number] if table is not None else []
    if table is not None and found:
        for name in found:
            design.columns[name] = table.get(name)
        if len(found) < number:
            design.notes.append(f"{len(found)} CompCor columns in the table, {number} asked for")
        return
    parts = {"white_matter": [signals.white_matter], "csf": [signals.csf]}.get(
        wanted["mask"], [signals.white_matter, signals.csf]
    )
    voxels = np.concatenate([part for part in parts if part is not None], axis=1)
    components = noise_components(voxels, number, steady)
    for index, values in enumerate(components.T):
        name = f"computed_comp_cor_{index:02d}"
        design.columns[name] = values
        design.computed.append(name)
    design.notes.append(
        f"no CompCor in the table: {components.shape[1]} components computed from "
        f"{voxels.shape[1]} voxels of template white matter (eroded) and lateral ventricles"
    )


def _add_cosines(
    design: Design,
    high_pass: float,
    table: ConfoundsTable | None,
    n_volumes: int,
    repetition_time: float | None,
) -> None:
    found = table.cosines() if table is not None else []
    if table is not None and found and abs(high_pass - _FMRIPREP_HIGH_PASS) < 5e-4:
        for name in found:
            design.columns[name] = table.get(name)
        return
    if not repetition_time:
        raise InputError(
            "the repetition time is not known, cosine drift cannot be computed",
            hint="add RepetitionTime to the BOLD's JSON, or use --denoising compcor",
        )
    number = min(n_volumes - 1, int(2 * n_volumes * high_pass * repetition_time))
    angle = np.pi / n_volumes * (np.arange(n_volumes) + 0.5)
    for index in range(number):
        column = f"computed_cosine{index:02d}"
        design.columns[column] = np.cos(angle * (index + 1))
        design.computed.append(column)
    design.notes.append(f"no cosines in the table: {number} computed below {high_pass:g} Hz")

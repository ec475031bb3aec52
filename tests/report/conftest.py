"""Small output trees as the participant and group level write them; all values are made up."""

from pathlib import Path

import numpy as np
import pytest

from bids_brainage.bids import outputs
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.prediction import columns, data_dictionary
from bids_brainage.records.session import SessionKey

LOBES = (
    "Frontal_Pole",
    "Insular_Cortex",
    "Cingulate_Gyrus_anterior_division",
    "Temporal_Pole",
    "Angular_Gyrus",
    "Occipital_Pole",
    "Thalamus",
)
REGIONS = tuple(f"{side}_{name}" for name in LOBES for side in ("Left", "Right"))


def prediction_row(key, **changes):
    """One complete row of the predictions table."""
    row = dict.fromkeys(columns())
    row |= {
        "participant_id": key.participant_id,
        "session_id": key.session_id,
        "model": "mavae",
        "status": "ok",
        "modalities": "morphometry+connectivity",
        "age": 31.5,
        "sex": "F",
        "predicted_age": 34.25,
        "brain_age_gap": 2.75,
        "brain_age_gap_corrected": 1.1,
        "probability_female": 0.83,
        "predicted_sex": "F",
        "within_age_range": True,
        "out_of_distribution": False,
        "quality": "good",
        "mean_fd": 0.14,
        "censored_share": 0.1,
        "n_volumes": 40,
        "region_coverage": 0.93,
    }
    return row | changes


class Tree:
    """Writes an output tree step by step."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def predictions(self, key, *rows):
        path = outputs.predictions_file(self.root, key)
        outputs.write_tsv(path, rows or (prediction_row(key),), columns())
        outputs.write_json(path.with_suffix(".json"), data_dictionary())

    def log(self, key, **changes):
        content = {
            "status": "ok",
            "age": 31.5,
            "sex": "F",
            "sources": {"bold": ["sub-01/func/sub-01_task-rest_bold.nii.gz"]},
            "quality": {"mean_fd": 0.14, "surface_holes": None},
            "notes": ["1 BOLD run found in MNI152NLin6Asym."],
            "settings": {"atlas": "HarvardOxford", "denoising": "default", "fd_threshold": 0.5},
            "versions": {"nilearn": "0.14.1"},
            "seconds": 12.5,
            "peak_memory_mb": 812.0,
        }
        log = Extraction(key.participant, key.session, **(content | changes))
        outputs.write_json(outputs.extraction_log(self.root, key), log.to_json())

    def connectivity(self, key, matrix=None, regions=REGIONS, sidecar=None):
        if matrix is None:
            noise = np.random.default_rng(1).normal(size=(len(regions), 60))
            matrix = np.corrcoef(noise + noise.mean(axis=0))
            matrix[3] = matrix[:, 3] = np.nan
        name = "task-rest_seg-HarvardOxford_meas-PearsonCorrelation_desc-denoised_relmat.tsv"
        return self._numbers(
            key, name, matrix, regions, sidecar or {"Atlas": {"Name": "HarvardOxford"}}
        )

    def timeseries(self, key, sidecar=None, regions=REGIONS, rows=36):
        series = np.random.default_rng(2).normal(size=(rows, len(regions)))
        series[:, 3] = np.nan
        fd = np.abs(np.random.default_rng(3).normal(0.15, 0.1, size=rows + 4))
        censored = [0, 11, 12, 30]
        fd[censored] = 0.9
        content = {
            "RepetitionTime": 2.0,
            "FramewiseDisplacement": [None, *fd[1:].tolist()],
            "Volumes": rows + len(censored),
            "KeptVolumes": [t for t in range(rows + len(censored)) if t not in censored],
            "CensoredVolumes": len(censored),
            "Denoising": {"name": "default", "confounds": ["trans_x", "rot_x"]},
        }
        name = "task-rest_space-MNI152NLin6Asym_seg-HarvardOxford_desc-denoised_timeseries.tsv"
        return self._numbers(key, name, series, regions, content if sidecar is None else sidecar)

    def morphometry(self, key):
        generator = np.random.default_rng(4)
        rows = [
            {"measure": f"{side}_G_{i}_thickness", "value": value, "unit": "mm"}
            for side in ("lh", "rh")
            for i, value in enumerate(generator.normal(2.5, 0.3, 20).tolist())
        ]
        rows += [
            {"measure": "lh_MeanThickness_thickness", "value": 2.51, "unit": "mm"},
            {"measure": "Left-Hippocampus", "value": 4100.0, "unit": "mm3"},
            {"measure": "Right-Hippocampus", "value": 4234.0, "unit": "mm3"},
            {"measure": "Left-Amygdala", "value": None, "unit": "mm3"},
            {"measure": "EstimatedTotalIntraCranialVol", "value": 1523400.0, "unit": "mm3"},
        ]
        path = outputs.session_file(self.root, key, "desc-freesurfer_morph.tsv", "anat")
        outputs.write_tsv(path, rows, ["measure", "value", "unit"])
        outputs.write_json(path.with_suffix(".json"), {"Software": "FreeSurfer"})

    def full(self, key):
        relmat = self.connectivity(key)
        series = self.timeseries(key)
        self.morphometry(key)
        self.predictions(key)
        names = {"connectivity": relmat, "timeseries": [series]}
        self.log(key, derivatives=names)

    def group(self, rows):
        path = self.root / "group_brainage.tsv"
        outputs.write_tsv(path, rows, columns())
        outputs.write_json(path.with_suffix(".json"), data_dictionary())

    def _numbers(self, key, name, values, regions, sidecar):
        path = outputs.session_file(self.root, key, name, "func")
        rows = [dict(zip(regions, row, strict=True)) for row in values.tolist()]
        outputs.write_tsv(path, rows, regions)
        outputs.write_json(path.with_suffix(".json"), sidecar)
        return path.relative_to(self.root).as_posix()


@pytest.fixture
def tree(tmp_path):
    """Give an empty output tree to fill."""
    return Tree(tmp_path)


@pytest.fixture
def key():
    """Name the session most tests use."""
    return SessionKey("01")


@pytest.fixture
def prediction():
    """Give the function that makes rows of the predictions table."""
    return prediction_row

import json

import numpy as np
import pytest

from bids_brainage.errors import UsageError
from bids_brainage.models.store import load_any
from bids_brainage.preprocessing.regions import region_tissues, regions_of_codes
from bids_brainage.training.segmentation import crossval, run
from bids_brainage.training.segmentation.crossval import (
    SegmentationCrossval,
    run_segmentation_crossval,
)
from bids_brainage.training.segmentation.crossval_table import as_markdown
from bids_brainage.training.segmentation.run import (
    SegmentationTraining,
    run_segmentation_training,
)
from tests.training.segmentation.conftest import toy_codes

DATASETS = ("heads", "brains")


@pytest.fixture
def quick_ants(monkeypatch):
    """Tissues by threshold in the place of ANTs, labels of the donor as they are."""
    from bids_brainage.training.segmentation import data

    def tissues(image, carried=None):
        if carried is not None:
            return np.asarray(region_tissues(), np.int8)[carried]
        return np.select([image > 80, image > 45, image > 0], [2, 1, 3]).astype(np.int8)

    def carry(image, donor, regions):
        codes = toy_codes(1)[data.brain_box(toy_codes(1))]
        return np.where(image > 0, regions_of_codes(codes), 0)

    for module in (data, crossval):
        monkeypatch.setattr(module, "ants_tissues", tissues)
    monkeypatch.setattr(data, "carry_labels", carry)


@pytest.fixture
def options(datasets, recipe, tmp_path, quick_ants):
    rows = ("compact", "compact-stripped", "ants-true-mask", "agreement")
    return SegmentationCrossval(datasets, DATASETS, tmp_path / "out", recipe, only=rows)


def test_every_head_is_left_out_and_rows_are_kept(options, monkeypatch):
    seen = []
    network = crossval.train_network

    def note(heads, *args, **kwargs):
        seen.append([(h.name, h.donor) for h in heads])
        return network(heads, *args, **kwargs)

    monkeypatch.setattr(crossval, "train_network", note)
    folder = run_segmentation_crossval(options)
    # The brain with labels from sub-a is not trained on where sub-a is left out.
    assert seen == [[("sub-b", "")], [("sub-a", ""), ("sub-c", "sub-a")]]
    lines = (folder / "crossval.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in lines[1:]] == [
        ["compact", "2"], ["compact-stripped", "2"], ["ants-true-mask", "2"], ["agreement", "1"]
    ]  # fmt: skip
    assert len((folder / "regions.tsv").read_text().splitlines()) == 55
    again = run_segmentation_crossval(SegmentationCrossval(**{**vars(options), "resume": True}))
    assert len(seen) == 2 and again == folder


def test_a_perfect_tissue_segmentation_scores_one(options):
    folder = run_segmentation_crossval(
        SegmentationCrossval(**{**vars(options), "only": ("ants-true-mask",), "n_folds": 1})
    )
    row = json.loads((folder / "fold-sub-a" / "ants-true-mask.json").read_text())
    assert row["people"]["sub-a"]["tissue"]["WM_dice"] > 0.98


def test_unknown_rows_are_refused(options):
    with pytest.raises(UsageError, match="Rows are compact"):
        run_segmentation_crossval(SegmentationCrossval(**{**vars(options), "only": ("best",)}))


def test_a_training_writes_a_model_with_its_scores(options, recipe, tmp_path):
    scores = run_segmentation_crossval(
        SegmentationCrossval(**{**vars(options), "only": ("compact",), "n_folds": 1})
    )
    folder = run_segmentation_training(SegmentationTraining(
        options.data, DATASETS, tmp_path / "model", recipe, scores=scores, command="brainage",
    ))  # fmt: skip
    module, card = load_any(folder)
    assert (card.name, card.family, card.command) == ("model", "resunet", "brainage")
    assert [sample.dataset for sample in card.training] == list(DATASETS)
    assert card.metrics["tissues"]["compact"]["people"] == 1
    assert "Left-Hippocampus" in card.metrics["regions"]
    assert (folder / "training.csv").is_file() and not module.training


def test_scores_of_a_training_are_optional(options, recipe, tmp_path):
    training = SegmentationTraining(options.data, ("heads",), tmp_path / "bare", recipe)
    assert load_any(run.run_segmentation_training(training))[1].metrics == {}


def test_tables_are_readable():
    line = {"row": "compact", "people": 5}
    line |= {f"{s}_dice_{p}": 0.9 for s in ("brain", "GM", "WM", "CSF")
             for p in ("mean", "min", "max")}  # fmt: skip
    region = {"region": "BrainStem", "label_ml": 20.0, "dice_mean": 0.9, "dice_min": 0.8,
              "volume_ratio": 1.0, "volume_r": float("nan")}  # fmt: skip
    text = as_markdown([line], [region])
    assert "| 5 | 0.900 (0.900–0.900) |" in text and "| BrainStem | 20.0 |" in text

"""A ResNeXt trained by the user predicts in the App, on its own grid."""

import pytest
import torch

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.models.cards import InputSpec, ModelCard, names_hash
from bids_brainage.models.resnext import ResNeXt, ResNeXtConfig
from bids_brainage.models.store import load_any, save_model
from bids_brainage.preprocessing.brain_image import load_brain
from tests.app.test_image_model import SPACE, write_session

CONFIG = ResNeXtConfig((1, 1), (8, 8), 4, 4, shape=(20, 20, 20), zooms=10.0)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    network = ResNeXt(CONFIG)
    network.centre.fill_(40.0)
    network.scale.fill_(10.0)
    spec = InputSpec((), names_hash(()), shape=CONFIG.shape, zooms=CONFIG.zooms, scaling="mask")
    card = ModelCard(
        name="mine", version="1", family="resnext", description="", inputs={"image": spec},
        training=(), metrics={}, bias_correction={}, age_range={"image": (20.0, 60.0)}, sha256="",
        config=CONFIG.as_dict(), recipe={}, seed=0, command="", versions={},
    )  # fmt: skip
    save_model(network, card, tmp_path / "mine", half=False)
    return tmp_path / "mine"


def test_session_is_predicted_on_the_grid_of_the_model(folder, tmp_path):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    run(RunConfig(output, output, stage="predict", models=(str(folder),), device="cpu"),
        lambda _: None)  # fmt: skip
    (row,) = read_tsv(output / "sub-1" / "sub-1_desc-brainage_predictions.tsv")
    assert (row["status"], row["model"], row["modalities"]) == ("ok", "mine", "image")
    brain, mask = (
        output / "sub-1" / "anat" / f"sub-1_{SPACE}_{kind}.nii.gz"
        for kind in ("desc-preproc_T1w", "desc-brain_mask")
    )
    image = torch.from_numpy(load_brain(brain, mask, 10.0, "mask", (20, 20, 20)))
    with torch.inference_mode():
        age, _ = load_any(folder)[0]({"image": image[None]})
    assert float(row["predicted_age"]) == pytest.approx(age.item(), abs=0.01)

import numpy as np
import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, ModelCard, names_hash
from bids_brainage.models.scaledense import ScaleDenseConfig
from bids_brainage.models.store import load_any, save_model
from bids_brainage.models.tsan import Tsan, TsanConfig
from bids_brainage.predict.image_predictor import ImagePredictor
from bids_brainage.predict.load import load_predictor
from bids_brainage.preprocessing.brain_image import grid_shape
from tests.models.test_scaledense import lively

SHAPE = grid_shape(8.0)
CPU = torch.device("cpu")


def card(config):
    spec = InputSpec((), names_hash(()), shape=config.shape, zooms=8.0, scaling="mask")
    return ModelCard(
        name="mine", version="1", family="tsan", description="", inputs={"image": spec},
        training=(), metrics={}, bias_correction={}, age_range={"image": (20.0, 60.0)}, sha256="",
        config=config.as_dict(), recipe={}, seed=0, command="", versions={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    network = ScaleDenseConfig(filters=4, layers=2, growth=1, stem="strided", features=16)
    config = TsanConfig(network, shape=SHAPE, zooms=8.0)
    torch.manual_seed(0)
    cascade = Tsan(config)
    for stage in (cascade.first, cascade.second):
        lively(stage)
        stage.scale.fill_(10.0)
    cascade.first.centre.fill_(40.0)
    folder = tmp_path_factory.mktemp("models") / "mine"
    save_model(cascade, card(config), folder, half=False)
    return folder


@pytest.fixture(scope="module")
def sessions():
    generator = np.random.default_rng(0)
    images = generator.standard_normal((3, *SHAPE)).astype(np.float32)
    women = {"sex": np.array([1.0, 0.0])}
    return [{"image": images[0]}, {"image": images[1]} | women, {"image": images[2]} | women]


def test_images_are_predicted_alike_in_any_company(folder, sessions):
    predictor = load_predictor(str(folder), CPU)
    assert isinstance(predictor, ImagePredictor)
    together = predictor.predict(sessions)
    alone = [predictor.predict([session])[0] for session in reversed(sessions)]
    assert [p.age for p in together] == [p.age for p in reversed(alone)]
    assert {p.modalities for p in together} == {("image",)}
    assert all(p.sex is None for p in together)


def test_fused_predictions_are_those_of_the_network(folder, sessions):
    network, _ = load_any(folder)
    with torch.inference_mode():
        age = network({"image": torch.from_numpy(sessions[0]["image"])[None]})[0].item()
    (found,) = load_predictor(str(folder), CPU).predict(sessions[:1])
    assert found.age == pytest.approx(age, abs=1e-3)


def test_image_of_another_shape_is_refused(folder):
    with pytest.raises(ModelError, match=r"shape \(5, 5, 5\)"):
        load_predictor(str(folder), CPU).predict([{"image": np.zeros((5, 5, 5), np.float32)}])


def test_too_little_memory_halves_the_batch_and_ends_on_the_cpu(folder, sessions, monkeypatch):
    predictor = load_predictor(str(folder), CPU)
    wanted = predictor.predict(sessions)
    compute, sizes = predictor._compute, []

    def scarce(some, device):
        sizes.append((len(some), device))
        if len(some) > 1 or device != CPU:
            raise torch.cuda.OutOfMemoryError
        return compute(some, device)

    monkeypatch.setattr(predictor, "_compute", scarce)
    monkeypatch.setattr(predictor, "_batch_size", 3)
    assert [p.age for p in predictor.predict(sessions)] == [p.age for p in wanted]
    assert [n for n, _ in sizes] == [3, 1, 2, 1, 1]

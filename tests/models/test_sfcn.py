from types import SimpleNamespace

import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.families import FAMILIES
from bids_brainage.models.sfcn import (
    NETWORKS,
    SHAPE,
    Sfcn,
    SfcnConfig,
    SfcnNetwork,
    build,
    check,
)

SMALL = (64, 64, 64)


class Fixed(torch.nn.Module):
    """Tells the same probabilities of every image, and keeps the last one."""

    def __init__(self, probabilities):
        super().__init__()
        self.logarithms = torch.tensor(probabilities, dtype=torch.float32).log()

    def forward(self, image):
        self.image = image
        return self.logarithms.expand(len(image), -1)


def told(probabilities, sex=None):
    module = Sfcn(SfcnConfig())
    module.age = Fixed(probabilities)
    if sex:
        module.config = SfcnConfig(tells_sex=True)
        module.sex = Fixed(sex)
    return module


@pytest.mark.parametrize(("tells", "parameters"), [("age", 2_952_936), ("sex", 2_918_144)])
def test_networks_have_the_published_size(tells, parameters):
    network = SfcnNetwork(*NETWORKS[tells])
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_network_tells_logarithms_of_probabilities():
    network = SfcnNetwork((2, 2, 2, 2, 2, 2), 40).eval()
    with torch.inference_mode():
        found = network(torch.rand(2, 1, *SHAPE))
    assert found.shape == (2, 40)
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(2))


def test_fused_network_tells_the_same():
    torch.manual_seed(0)
    module = Sfcn(SfcnConfig())
    module.age = SfcnNetwork((2, 3, 2, 2, 2, 2), 40)
    for name, buffer in module.age.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    module = module.double().eval()
    inputs = {"image": torch.rand(1, *SHAPE, dtype=torch.float64)}
    with torch.inference_mode():
        before = module.with_spread(inputs)
        after = module.fuse().with_spread(inputs)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, equal_nan=True)
    assert not any(isinstance(m, torch.nn.BatchNorm3d) for m in module.modules())


def test_age_is_the_mean_of_the_bins_and_spread_their_standard_deviation():
    probabilities = [0.0] * 40
    probabilities[18] = probabilities[20] = 0.5  # 60 to 61 and 62 to 63 years
    age, logit, beyond, spread = told(probabilities).with_spread({"image": torch.zeros(3, *SMALL)})
    torch.testing.assert_close(age, torch.full((3,), 61.5))
    torch.testing.assert_close(spread, torch.ones(3))
    assert beyond.tolist() == [0, 0, 0]
    assert logit.isnan().all()


@pytest.mark.parametrize(("bins", "share"), [((0, 1), 1), ((38, 39), 1), ((1, 2), 0.5)])
def test_probability_near_the_ends_is_out_of_range(bins, share):
    probabilities = [0.0] * 40
    for one in bins:
        probabilities[one] = 0.5
    found = told(probabilities).out_of_range({"image": torch.zeros(1, *SMALL)})
    assert found.tolist() == [share]


def test_first_class_of_the_network_for_sex_is_female():
    module = told([1 / 40] * 40, sex=[0.8, 0.2])
    _, logit = module({"image": torch.zeros(1, *SMALL)})
    assert torch.sigmoid(logit).item() == pytest.approx(0.8)


def test_images_are_mirrored_as_the_network_was_trained():
    module = told([1 / 40] * 40)
    image = torch.zeros(1, 4, 5, 6)
    image[0, 0] = 1
    module.with_spread({"image": image})
    assert module.age.image.shape == (1, 1, 4, 5, 6)
    assert module.age.image[0, 0, 3].min() == 1
    assert module.age.image[0, 0, :3].max() == 0


def test_family_builds_its_configuration():
    module = FAMILIES["sfcn"].build(SfcnConfig(tells_sex=True).as_dict() | {"weights": []})
    assert module.config == SfcnConfig(tells_sex=True)
    assert build({}).config == SfcnConfig()


def test_card_of_another_image_is_refused():
    card = SimpleNamespace(inputs={"image": InputSpec((), names_hash(()), shape=(9, 9, 9))})
    with pytest.raises(ModelError, match=r"\(160, 192, 160\) voxels"):
        check(build({}), card)

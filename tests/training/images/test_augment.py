import torch

from bids_brainage.training.images.augment import augment
from bids_brainage.training.images.recipe import ImageRecipe

STILL = ImageRecipe(shift=0.0, flip=0.0, rotation=0.0, zoom=0.0, noise=0.0, gamma=0.0)


def test_augmentation_keeps_the_background_and_depends_on_its_generator_only():
    images = torch.zeros(2, 1, 12, 14, 10)
    images[:, :, 3:9, 3:11, 3:8] = torch.randn(2, 1, 6, 8, 5)
    recipe = ImageRecipe(shift=1.0)
    first, second = (
        augment(images, recipe, torch.Generator().manual_seed(seed)) for seed in (3, 3)
    )
    torch.testing.assert_close(first, second)
    assert not first[:, :, 0, 0].any()
    torch.testing.assert_close(
        augment(images, STILL, torch.Generator().manual_seed(0)), images, atol=1e-4, rtol=0
    )


def test_flip_exchanges_left_and_right():
    images = torch.randn(1, 1, 6, 7, 8)
    found = augment(images, STILL.changed(flip=1.0), torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, images.flip(2), atol=1e-3, rtol=0)

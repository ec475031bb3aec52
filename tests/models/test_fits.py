from dataclasses import replace

import pytest

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.fits import require_image, require_measures
from tests.models.test_cards import make_card

IMAGE = InputSpec((), names_hash(()), shape=(4, 5, 6))
MEASURES = InputSpec(("a", "b"), names_hash(("a", "b")))


def test_an_image_of_another_size_or_another_input_is_refused_with_both():
    card = replace(make_card(), inputs={"image": IMAGE})
    require_image(card, "image", (4, 5, 6))
    for other in ({"image": replace(IMAGE, shape=(9, 9, 9))}, {"volumes": IMAGE}, {}):
        with pytest.raises(ModelError, match=r"take an image of \(4, 5, 6\) voxels") as told:
            require_image(replace(card, inputs=other), "image", (4, 5, 6))
        assert told.value.hint


def test_more_or_other_measures_are_refused_with_both():
    card = replace(make_card(), inputs={"morphometry": MEASURES})
    require_measures(card, "morphometry", 2)
    with pytest.raises(ModelError, match=r"\{'morphometry': 2\}.* take 3 measures"):
        require_measures(card, "morphometry", 3)
    with pytest.raises(ModelError, match="measures of volumes"):
        require_measures(card, "volumes", 2)

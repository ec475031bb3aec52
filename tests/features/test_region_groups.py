import pytest

from bids_brainage.features.region_groups import OTHER, place_of
from bids_brainage.models.find import list_models


@pytest.mark.parametrize(
    ("measure", "region", "group"),
    [
        ("lh_G_front_middle_thickness", "Left middle frontal gyrus", "Frontal"),
        ("rh_S_calcarine_thickness", "Right calcarine sulcus", "Occipital"),
        ("lhCortexVol", "Left cortical grey matter", "Whole brain"),
        ("Right-Inf-Lat-Vent", "Right lateral ventricle", "Ventricles and CSF"),
        ("CC_Anterior", "Corpus callosum", "White matter"),
        ("Left-FrontalGM", "Left frontal grey matter", "Frontal"),
        ("feature_0007", "Feature 0007", OTHER),
    ],
)
def test_measures_have_a_region_and_a_group(measure, region, group):
    place = place_of(measure)
    assert (place.region, place.group) == (region, group)


def test_every_measure_of_the_shipped_models_has_a_group():
    for card in list_models():
        for name in (n for m in ("morphometry", "volumes") for n in
                     (card.inputs[m].names if m in card.inputs else ())):  # fmt: skip
            assert place_of(name).group != OTHER, name

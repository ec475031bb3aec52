import pytest

from bids_brainage.report.regions import OTHER, group_of, hemisphere_of, lobe_order


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Left_Frontal_Pole", "Frontal"),
        ("Right_Inferior_Frontal_Gyrus_pars_triangularis", "Frontal"),
        ("Frontal Operculum Cortex (L)", "Insula and opercula"),
        ("Left_Parahippocampal_Gyrus_anterior_division", "Temporal"),
        ("Left_Temporal_Occipital_Fusiform_Cortex", "Temporal"),
        ("Left_Occipital_Fusiform_Gyrus", "Occipital"),
        ("Right_Angular_Gyrus", "Parietal"),
        ("Left_Precuneous_Cortex", "Parietal"),
        ("Left_Cuneal_Cortex", "Occipital"),
        ("Right_Hippocampus", "Subcortical"),
        ("7Networks_LH_Default_PFC_1", "Default mode"),
        ("region 17", OTHER),
    ],
)
def test_names_tell_the_lobe(name, group):
    assert group_of(name) == group


@pytest.mark.parametrize(
    ("name", "side"),
    [("Left_Thalamus", 0), ("Frontal Pole (R)", 1), ("7Networks_LH_Vis_1", 0), ("Brain-Stem", 2)],
)
def test_names_tell_the_hemisphere(name, side):
    assert hemisphere_of(name) == side


def test_regions_are_ordered_by_lobe_then_hemisphere():
    names = ("Right_Thalamus", "Left_Thalamus", "Right_Frontal_Pole", "Left_Frontal_Pole")
    order, blocks = lobe_order(names)
    assert order == [3, 2, 1, 0]
    assert [(b.name, b.start, b.stop) for b in blocks] == [("Frontal", 0, 2), ("Subcortical", 2, 4)]


def test_atlas_without_telling_names_keeps_its_order():
    assert lobe_order(("c", "a", "b")) == ([0, 1, 2], [])

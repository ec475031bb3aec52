import pytest

from bids_brainage.report.measures import measure_of, shortened


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("lh_G_temporal_middle_thickness", "Left middle temporal gyrus", "mm"),
        ("Left-Inf-Lat-Vent", "Left lateral ventricle, inferior horn", "cm³"),
        ("Right-Cerebellum-Cortex", "Right cerebellum, cortex", "cm³"),
        ("CC_Mid_Anterior", "Corpus callosum, middle anterior", "cm³"),
        ("EstimatedTotalIntraCranialVol", "Intracranial volume", "cm³"),
        ("made_up", "Made up", "cm³"),
    ],
)
def test_measures_are_told_in_words(name, words, unit):
    measure = measure_of(name)
    assert (measure.words, measure.unit) == (words, unit)
    assert measure.factor == (1 if unit == "mm" else 1e-3)
    assert measure.volume == (unit == "cm³")


def test_no_two_measures_of_the_shipped_model_have_the_same_words():
    from bids_brainage.models.cards import read_card
    from bids_brainage.models.find import shipped_folder

    names = read_card(shipped_folder() / "mavae" / "card.json").inputs["morphometry"].names
    assert len({measure_of(name).words for name in names}) == len(names)


def test_long_words_are_shortened_until_they_fit():
    assert shortened("Brain stem") == "Brain stem"
    long = "Left long insular gyrus and central insular sulcus"
    assert shortened(long, 40) == "Left long ins. g. and central ins. s."
    assert shortened(long, 20).endswith("…") and len(shortened(long, 20)) <= 20

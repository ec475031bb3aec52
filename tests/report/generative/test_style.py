import pytest

from bids_brainage.report.generative.style import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Women, 22-35 years", "Women, 22-35 years"), ("naïve\tcafé…", "naïve café…"),
     ("年齢 a", "?? a"), ("a" * 50, "a" * 33 + "…")],
)  # fmt: skip
def test_text_has_letters_of_the_font_and_fits(text, shown):
    assert printable(text) == shown

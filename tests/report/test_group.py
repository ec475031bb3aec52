import time
from html.parser import HTMLParser

import pytest

from bids_brainage.errors import InputError
from bids_brainage.records.session import SessionKey
from bids_brainage.report.group import write_group_report
from bids_brainage.report.group_rows import GroupRows


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += " " + data

    def all(self, tag, attribute):
        return [attrs[attribute] for name, attrs in self.tags if name == tag and attribute in attrs]


@pytest.fixture
def people(prediction):
    """Forty people whose predicted ages are three years too high or too low."""
    rows = []
    for i in range(40):
        age = 10.0 + i
        predicted = age + (3 if i % 2 else -3)
        rows.append(
            prediction(
                SessionKey(f"{i:02d}"),
                age=age,
                sex="FM"[i % 2],
                predicted_age=predicted,
                brain_age_gap=predicted - age,
                probability_female=0.9 if i % 2 == 0 else 0.2,
            )
        )
    return rows


def empty(prediction, label, status, reason, **changes):
    content = dict.fromkeys(
        ("model", "predicted_age", "brain_age_gap", "probability_female", "predicted_sex")
    )
    content |= {"status": status, "status_reason": reason, **changes}
    return prediction(SessionKey(label), **content)


def test_metrics_stand_beside_guessing_the_median(tree, people):
    tree.group(people)
    text = Page(write_group_report(tree.root)).text
    row = text[text.index("Sex AUC") :].split("The same with")[0].split()
    assert row[2:] == [
        "mavae",
        "40",
        "3.00",
        "10.00",
        "3.00",
        "0.97",
        "0.00",
        "40",
        "100",
        "%",
        "1.00",
    ]


def test_scores_have_intervals_over_participants(tree, people):
    limits = [
        row | {"predicted_age_lower": row["age"] + shift, "predicted_age_upper": row["age"] + 9}
        for row, shift in zip(people, [-1] * 30 + [1] * 10, strict=True)
    ]
    tree.group(limits)
    text = Page(write_group_report(tree.root)).text
    row = text[text.index("90 % interval mavae") :]
    assert row.startswith("90 % interval mavae 3.00 [3.00 to 3.00] 0.9")
    assert " 75 % [" in row[:200]
    tree.group(people[:3])
    assert "mavae 3.00 -" not in Page(write_group_report(tree.root)).text


def test_who_was_there_is_told(tree, people):
    tree.group(people)
    text = Page(write_group_report(tree.root)).text
    assert "Ages 10 to 49 years, median 30, known in 40 of 40 sessions; 20 female, 20 male" in text
    assert "inputs used: morphometry+connectivity 40" in text


def test_gap_is_drawn_against_quality(tree, people):
    tree.group([row | {"mean_fd": 0.1 + i / 100} for i, row in enumerate(people)])
    page = Page(write_group_report(tree.root))
    assert any(text.startswith("Brain age gap against") for text in page.all("img", "alt"))
    tree.group(people[:3])
    page = Page(write_group_report(tree.root))
    assert not any(text.startswith("Brain age gap against") for text in page.all("img", "alt"))


def test_counts_and_reasons_of_failures(tree, people, prediction):
    tree.group(
        [
            *people,
            empty(prediction, "80", "failed", "aseg.stats is empty"),
            empty(prediction, "81", "failed", "aseg.stats is empty"),
            empty(prediction, "82", "failed", "interrupted"),
            empty(prediction, "83", "no_input", "nothing found"),
        ]
    )
    text = Page(write_group_report(tree.root)).text
    assert "44 participants 44 sessions 40 ok 3 failed 1 no input" in text
    assert "failed 2 aseg.stats is empty sub-80, sub-81" in text
    assert "no input 1 nothing found sub-83" in text


def test_the_headline_decides_whether_a_session_is_ok(tree, people, prediction):
    failed = empty(prediction, "00", "failed", "no connectivity", model="other")
    tree.group([failed, *people])
    assert "40 sessions 39 ok 1 failed" in Page(write_group_report(tree.root)).text
    tree.group([people[0] | {"model": "fusion"}, failed, *people])
    text = Page(write_group_report(tree.root)).text
    assert "40 participants 40 sessions 40 ok 0 failed" in text
    assert "failed 1 no connectivity sub-00" in text
    assert "Model other" in text


def test_only_existing_pages_are_linked(tree, people):
    tree.group(people)
    (tree.root / "sub-03.html").write_text("", encoding="utf-8")
    page = Page(write_group_report(tree.root))
    links = [href for href in page.all("a", "href") if not href.startswith("#")]
    assert links.count("sub-03.html") == 1
    assert all((tree.root / href).is_file() for href in links)


def test_page_needs_no_other_file_and_no_network(tree, people):
    tree.group(people)
    page = Page(write_group_report(tree.root))
    sources = page.all("img", "src")
    assert len(sources) == 2
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not [h for h in page.all("a", "href") if "//" in h]
    assert not {"script", "link"} & {tag for tag, _ in page.tags}
    assert [p.name for p in tree.root.glob("*.html")] == ["group_brainage.html"]


def test_same_table_gives_the_same_bytes(tree, people):
    tree.group(people)
    first = write_group_report(tree.root).read_bytes()
    assert write_group_report(tree.root).read_bytes() == first


@pytest.mark.parametrize(
    "changes",
    [{"age": None}, {"predicted_age": None}, {"sex": None, "probability_female": None}],
)
def test_missing_numbers_do_not_stop_the_page(tree, people, changes):
    tree.group([row | changes for row in people])
    assert "n/a" in Page(write_group_report(tree.root)).text


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_groups_get_a_page(tree, people, n):
    tree.group(people[:n])
    assert f"{n} participants" in Page(write_group_report(tree.root)).text


def test_hostile_cells_cannot_inject(tree, prediction):
    bad = "<script>alert(1)</script>"
    key = SessionKey('"><script>x</script>')
    rows = [
        prediction(key, model=bad, sex=bad, quality=bad, predicted_sex=bad),
        prediction(SessionKey("../etc"), status="failed", status_reason=bad),
        prediction(SessionKey("01"), status=bad, model="javascript:alert(1)"),
    ]
    tree.group(rows)
    page = Page(write_group_report(tree.root))
    assert "script" not in {tag for tag, _ in page.tags}
    assert bad in page.text
    assert not [h for h in page.all("a", "href") if "script" in h or ".." in h]


def test_ten_thousand_rows_stay_fast_and_small(tree, prediction):
    rows = [
        prediction(SessionKey(f"{i:05d}"), age=20 + i % 50, predicted_age=22.0 + (i * 7) % 50)
        for i in range(10_000)
    ]
    tree.group(rows)
    start = time.perf_counter()
    path = write_group_report(tree.root)
    assert time.perf_counter() - start < 10
    assert path.stat().st_size < 1_500_000
    page = Page(path)
    assert "1000 of 10000 rows, those to look at before others" in page.text
    assert len([1 for tag, _ in page.tags if tag == "tr"]) < 1_100


def test_of_too_many_rows_those_to_look_at_are_shown(tree, prediction):
    rows = [prediction(SessionKey(f"{i:05d}")) for i in range(1500)]
    rows[1400] |= {"quality": "check"}
    rows.append(empty(prediction, "09999", "failed", "no stats"))
    tree.group(rows)
    people = Page(write_group_report(tree.root)).text.split("Look at")[-1]
    assert "sub-00000" in people and "sub-01400" in people and "sub-09999" in people
    assert "sub-00998" not in people
    assert people.index("sub-00997") < people.index("sub-01400") < people.index("sub-09999")


class CountedRow(dict):
    """A row that tells how many of its kind are in memory."""

    alive = most = 0

    def __init__(self, content):
        super().__init__(content)
        CountedRow.alive += 1
        CountedRow.most = max(CountedRow.most, CountedRow.alive)

    def __del__(self):
        CountedRow.alive -= 1


def test_rows_are_not_held_in_memory(prediction):
    cells = {name: str(value) for name, value in prediction(SessionKey("01")).items()}
    rows = (CountedRow(cells | {"participant_id": f"sub-{i:05d}"}) for i in range(1200))
    found = GroupRows(rows, set())
    assert found.n_rows == found.quality["mean_fd"].size == 1200
    assert CountedRow.most < 10


def test_absent_group_table_is_an_error(tree):
    with pytest.raises(InputError, match=r"group_brainage\.tsv"):
        write_group_report(tree.root)


def test_models_are_kept_apart_and_sessions_counted_once(tree, people, prediction):
    other = [
        row | {"model": "volumes", "predicted_age": row["age"] + 8, "probability_female": None}
        for row in people
    ]
    tree.group([row for pair in zip(people, other, strict=True) for row in pair])
    page = Page(write_group_report(tree.root))
    scatters = [text for text in page.all("img", "alt") if text.startswith("Predicted against")]
    assert scatters == ["Predicted against chronological age of 40 sessions."] * 2
    assert "40 sessions" in page.text
    table = page.text[page.text.index("Sex AUC") :].split("The same with")[0]
    row = table.split("volumes")[1].split()
    assert row[:2] == ["40", "8.00"]
    assert row[-3:] == ["0", "n/a", "n/a"]
    assert "mean fd 40 0.14" in page.text


def test_quality_is_drawn_for_enough_people(tree, people):
    tree.group([row | {"tsnr": 40.0 + i, "t1w_snr": None} for i, row in enumerate(people)])
    page = Page(write_group_report(tree.root))
    assert any("Histograms of quality" in text for text in page.all("img", "alt"))
    tree.group(people[:3])
    page = Page(write_group_report(tree.root))
    assert not any("Histograms of quality" in text for text in page.all("img", "alt"))


def test_a_model_that_the_headline_repeats_is_drawn_once(tree, people):
    both = [row | {"model": model} for row in people for model in ("fusion", "mavae")]
    tree.group(both)
    text = Page(write_group_report(tree.root)).text
    assert "Model fusion (here mavae)" in text and "Model mavae" not in text
    other = [row | {"predicted_age": 1.0} if row["model"] == "mavae" else row for row in both]
    tree.group(other)
    text = Page(write_group_report(tree.root)).text
    assert "Model fusion " in text and "Model mavae" in text

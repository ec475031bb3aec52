import pytest

from benchmarks import image_models
from benchmarks.image_models import (
    CLOSE,
    NETWORKS,
    PUBLISHED,
    TRAINING,
    WAYS,
    build,
    predict,
    prepare,
    show,
    train,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    prepare(list(NETWORKS), folder, small=True)
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_all_ways_tell_the_same_age(name, folder, monkeypatch):
    monkeypatch.setattr(image_models, "peak_mb", lambda: 1.0)
    found = {way: predict(name, way, folder, small=True) for way in WAYS}
    assert found[PUBLISHED]["age"] == pytest.approx(image_models.AGE, abs=1.0)
    for row in found.values():
        assert row["age"] == pytest.approx(found[PUBLISHED]["age"], rel=CLOSE)


def test_the_image_matters(folder):
    network, tell = image_models.load("first", PUBLISHED, folder, small=True)
    image, sex = image_models.read("first", folder)
    assert abs(tell(image, sex) - tell(image.flip(2), sex)).item() > 0.01
    assert not network.training


@pytest.mark.parametrize(("name", "count"), [("first", 102_378_307), ("second", 102_379_411)])
def test_the_published_networks_have_their_parameters(name, count):
    network, _ = build(name, published=True, small=False)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("way", TRAINING)
def test_a_training_step_is_timed(way, folder):
    found = train("first", way, folder, small=True)
    assert found["seconds"] > 0


def test_ages_that_differ_are_counted(capsys):
    row = {"seconds": 2.0, "cpu": 2.0, "peak_mb": 100.0, "age": 50.0}
    assert show("title", {PUBLISHED: row, "ours": row | {"age": 50.1, "seconds": 1.0}}) == 1
    assert "2.00x" in capsys.readouterr().out

from xml.etree import ElementTree

import numpy as np

from bids_brainage.report.generative.losses import MOST_PARTS, Course, loss_curves


def course(n=5, last=0.5, **losses):
    epochs = np.arange(1.0, n + 1)
    return Course(epochs, losses or {"training": np.linspace(1, last, n)})


def words(svg):
    """What the figure says; letters are paths, their text stands in comments."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    tree = ElementTree.fromstring(svg, parser)
    return [(n.text or "").strip() for n in tree.iter() if n.tag is ElementTree.Comment]


def test_the_lowest_validation_loss_is_named_with_its_epoch():
    losses = {"training": np.array([3.0, 2, 1]), "validation": np.array([3.0, 2.5, 2.75])}
    told = words(loss_curves({"fold_1": [Course(np.array([1.0, 2, 3]), losses)]}))
    assert {"Fold 1", "training", "validation", "lowest: 2.5, epoch 2"} <= set(told)


def test_folds_share_a_panel_and_tell_their_mean():
    folds = [course(validation=np.array([2.0, low, 2, 2, 2])) for low in (1.0, 0.5)]
    told = words(loss_curves({"folds": folds}))
    assert told.count("validation") == 1
    assert "lowest: 0.75 on average" in told


def test_each_part_has_a_panel_up_to_a_number():
    parts = {f"part {i}": [course()] for i in range(MOST_PARTS + 3)}
    told = words(loss_curves(parts))
    assert [w for w in told if w.startswith("Part")] == [f"Part {i}" for i in range(MOST_PARTS)]


def test_losses_that_fall_far_stand_on_a_scale_with_plain_numbers():
    told = words(loss_curves({"gan": [course(last=1e-3)]}))
    assert {"GAN", "0.001", "0.01", "0.1", "1"} <= set(told)


def test_missing_epochs_and_a_single_one_are_drawn():
    gaps = {"generator": np.array([1.0, np.nan, 2]), "empty": np.full(3, np.nan)}
    told = words(loss_curves({"gan": [Course(np.arange(3.0), gaps)], "one": [course(1)]}))
    assert "generator" in told
    assert "empty" not in told


def test_names_cannot_break_the_picture():
    told = words(loss_curves({"--><script>\n\N{SNOWMAN} é": [course()]}))
    assert not any("<script" in word and "--" in word for word in told)


def test_the_same_losses_give_the_same_bytes():
    assert loss_curves({"a": [course()]}) == loss_curves({"a": [course()]})

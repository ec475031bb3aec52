import torch

from bids_brainage.models.views import moved_by, views


def test_copies_are_moved_and_mirrored():
    image = torch.arange(24.0).reshape(1, 1, 2, 3, 4)
    copies = views(image)
    assert len(copies) == 14
    torch.testing.assert_close(copies[0], image)
    torch.testing.assert_close(copies[7], image.flip(2))
    assert {copy.shape for copy in copies} == {image.shape}


def test_zeros_move_in():
    line = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    assert moved_by(line, 1, -3).ravel().tolist() == [0, 1, 2]
    assert moved_by(line, -1, -3).ravel().tolist() == [2, 3, 0]
    assert line.ravel().tolist() == [1, 2, 3]

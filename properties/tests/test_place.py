import pytest

from properties.worker.place import Frame, frames, place

INSIDE: Frame = ("/home/rnn/my_rnn.py", 12, "rnn_forward")


@pytest.mark.parametrize(
    ("found", "where"),
    [
        ([INSIDE], "my_rnn.py:12 in rnn_forward"),
        ([("/usr/lib/json.py", 1, "loads"), INSIDE], "my_rnn.py:12 in rnn_forward"),
        ([("/home/rnn/v/site-packages/np.py", 1, "f"), INSIDE], "my_rnn.py:12 in rnn_forward"),
        ([("/home/rnn/cells/a.py", 3, "step"), INSIDE], "cells/a.py:3 in step"),
        ([("/home/rnn/my_rnn.py", 3, "<module>"), INSIDE], "my_rnn.py:3"),
        ([("<string>", 3, "f"), ("/home/rnn_too/a.py", 1, "f")], ""),
        ([], ""),
    ],
)
def test_the_first_frame_in_the_folder_is_named(found: list[Frame], where: str) -> None:
    assert place(found, "/home/rnn") == where


def test_frames_begin_with_the_innermost() -> None:
    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$") as caught:
        fail()
    assert [function for _, _, function in frames(caught.value)] == [
        "fail",
        "test_frames_begin_with_the_innermost",
    ]
    assert frames(caught.value)[0][0] == __file__

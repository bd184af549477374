from pathlib import Path

import pytest

from properties.worker import worker
from properties.worker.place import Frame, frames, is_its_own_work, place

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


@pytest.mark.parametrize(
    ("inner", "own"),
    [
        ([INSIDE], True),
        ([("/usr/lib/site-packages/numpy/_core/fromnumeric.py", 7, "sum"), INSIDE], True),
        ([("/home/rnn/v/site-packages/numba/core/compiler.py", 7, "compile"), INSIDE], False),
        ([("/usr/lib/python3.11/subprocess.py", 7, "run"), INSIDE], False),
        ([], False),
    ],
)
def test_it_is_its_own_work_where_nobody_elses_code_is_running(inner: list[Frame], own: bool) -> None:
    ours = (str(Path(worker.__file__)), 1, "_call")
    assert is_its_own_work([*inner, ours, ("<string>", 1, "<module>")], "/home/rnn") is own


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

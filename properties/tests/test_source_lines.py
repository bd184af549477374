from pathlib import Path

import numpy as np
import pytest

from properties.worker import errors
from properties.worker.errors import Frame, first_place, frames_of, place_of_hang

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
    assert first_place(found, "/home/rnn") == where


def test_a_module_of_the_worker_is_no_place_of_a_target_in_the_clone() -> None:
    own = errors.__file__
    target = str(Path(own).parents[2] / "my_rnn.py")
    assert first_place([(own, 3, "parse"), (target, 5, "rnn_forward")], str(Path(target).parent)) == (
        "my_rnn.py:5 in rnn_forward"
    )


CALLED = ("/home/rnn/my_rnn.py", 5, "softmax")
OURS = ("/usr/lib/worker.py", 1, "_call")


@pytest.mark.parametrize(
    ("samples", "where"),
    [
        ([[INSIDE, OURS], [CALLED, INSIDE, OURS]], "my_rnn.py:12 in rnn_forward"),
        ([[CALLED, INSIDE, OURS]] * 2, "my_rnn.py:5 in softmax"),
        (
            [[CALLED, INSIDE, OURS], [("/home/rnn/my_rnn.py", 13, "rnn_forward"), OURS]],
            "my_rnn.py:12 in rnn_forward",
        ),
        ([[OURS]], ""),
        ([], ""),
    ],
)
def test_where_it_hangs_is_what_every_sample_has(samples: list[list[Frame]], where: str) -> None:
    """The lines of a loop, and the functions that it calls, differ from sample to sample."""
    assert place_of_hang(samples, "/home/rnn") == where


def test_frames_begin_with_the_innermost() -> None:
    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$") as caught:
        fail()
    assert [function for _, _, function in frames_of(caught.value)] == [
        "fail",
        "test_frames_begin_with_the_innermost",
    ]
    assert frames_of(caught.value)[0][0] == __file__


def test_the_frame_of_a_recursion_is_the_one_that_recurs() -> None:
    def step() -> int:
        return int(np.zeros(1).sum())

    def again() -> int:
        return step() + again()

    with pytest.raises(RecursionError) as caught:
        again()
    assert frames_of(caught.value)[0][2] == "again"
    assert frames_of(RecursionError("raised by no frame")) == []

"""The reference is compared only with programs that give the same answers."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.peers import check_agreement, ratios
from oracle.problems.problem import Problem
from reference.contract import Array

SMALL = {"n_x": 1, "n_a": 2, "m": 1, "T_x": 2}


def returning(*arrays: Sequence[float]) -> tuple[Array, ...]:
    return tuple(np.array(array) for array in arrays)


@pytest.mark.parametrize(
    ("problem", "peers"),
    [
        (Problem.lstm(**SMALL, n_y=2), 2),
        (Problem.rnn(**SMALL, n_y=2), 2),
        (Problem.lstm_layer(**SMALL, layers=2, directions=2), 1),
    ],
    ids=repr,
)
def test_each_row_has_a_ratio_to_each_peer(problem: Problem, peers: int) -> None:
    literal, torch = ratios(problem, rounds=1)
    assert len(re.findall(r"\d+\.\d\d", f"{literal} {torch}")) == peers
    assert torch != "—"


def test_a_peer_with_another_answer_is_refused() -> None:
    programs = {
        "reference": lambda: returning([1.0], [2.0], [3.0]),
        "torch": lambda: returning([1.0], [2.0]),
    }
    check_agreement(programs)
    with pytest.raises(AssertionError, match="literal"):
        check_agreement({**programs, "literal": lambda: returning([1.0], [2.1])})

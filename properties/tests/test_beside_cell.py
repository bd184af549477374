"""If a function over time and its cell are wrong, its own mistake is found with a right cell."""

from pathlib import Path
from shutil import copy

import pytest

from oracle.explanations.claims import Claim, mistake
from oracle.problems.problem import Problem
from properties.explanations.claim_search import search
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation

EXAMPLES = Path(__file__).parents[2] / "examples"
WRONG_CELL = ('"dWax": np.dot(dz, xt.T)', '"dWax": np.dot(dz, xt.T) ** 3')
WRONG_SEQUENCE = ("(da[:, :, t] + da_prev, steps[t])", "(da[:, :, t], steps[t])")


def claims(tmp_path: Path, *edits: tuple[str, str]) -> list[Claim]:
    """The claims about `rnn_backward` after edits of the textbook example."""
    source = (EXAMPLES / "textbook_backward.py").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in source
        source = source.replace(old, new, 1)
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    copy(EXAMPLES / "textbook.py", tmp_path)
    problem = Problem.rnn(n_x=2, n_a=3, n_y=2, m=2, T_x=3)
    with Implementation(str(tmp_path / "mine.py")) as mine:
        return [*search(Program(mine, "rnn_backward"), problem)]


def test_a_mistake_of_a_function_is_found_beside_those_of_its_cell(tmp_path: Path) -> None:
    [claim] = claims(tmp_path, WRONG_CELL, WRONG_SEQUENCE)
    told = vars(mistake("da_not_carried"))
    assert claim == Claim.of("beside cell", cell="rnn_cell_backward", told=told)


@pytest.mark.parametrize("edits", [[WRONG_CELL], [WRONG_SEQUENCE]], ids=["cell", "sequence"])
def test_nothing_is_said_beside_a_cell_if_one_of_them_is_right(
    tmp_path: Path, edits: list[tuple[str, str]]
) -> None:
    assert all(claim.kind != "beside cell" for claim in claims(tmp_path, *edits))

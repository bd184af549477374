"""What is wrong in float32 alone is explained so, with the other conditions beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from oracle.problems.problem import Problem
from properties.explanations.claim_search import _right_cases, search
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings

pytestmark = pytest.mark.slow


def test_what_is_wrong_in_float32_alone_is_said_so_of_each_counterexample(tmp_path: Path) -> None:
    """Takes a second: it locates a mistake in a process of its own."""
    (tmp_path / "aligned.py").write_text(
        "from reference import rnn_cell_forward as right\n"
        "def rnn_cell_forward(xt, a_prev, parameters):\n"
        "    if xt.dtype == 'float32' and len(xt) >= 8:\n"
        "        parameters = {**parameters, 'ba': 0 * parameters['ba']}\n"
        "    return right(xt, a_prev, parameters)\n"
    )
    with Implementation("aligned.py", Settings(directory=tmp_path)) as target:
        for n_x in (8, 16):
            problem = Problem.rnn(n_x=n_x, n_a=2, n_y=2, m=2, T_x=1, regime="unit", dtype="float32")
            found = search(Program(target, "rnn_cell_forward"), problem)[0]
            assert "when: in float32 and n_x ≥ 8" in found.lines


def test_what_a_layer_does_in_float32_alone_is_told(tmp_path: Path) -> None:
    """Takes a second: it locates a mistake in a process of its own."""
    (tmp_path / "masked.py").write_text(
        "import numpy as np\n"
        "from reference import rnn_layer as right\n"
        "def rnn_layer(x, a0, parameters, options):\n"
        "    if x.dtype == 'float32' and len(x) >= 8:\n"
        "        parameters = [{**p, 'ba': 0 * p['ba']} for p in parameters]\n"
        "    return right(x, a0, parameters, options)\n"
    )
    with Implementation("masked.py", Settings(directory=tmp_path)) as target:
        problem = Problem.rnn_layer(n_x=8, n_a=2, m=2, T_x=2, layers=1, dtype="float32")
        found = search(Program(target, "rnn_layer"), problem)[0]
        assert "when: in float32 and n_x ≥ 8" in found.lines


def test_conditions_of_a_layer_in_float32_are_asked_for_in_that(tmp_path: Path) -> None:
    """Takes a second: it locates a mistake in a process of its own."""
    (tmp_path / "last.py").write_text(
        "import numpy as np\n"
        "from reference import rnn_layer as right\n"
        "def rnn_layer(x, a0, parameters, options):\n"
        "    if x.dtype == 'float32' and len(parameters[0]['ba']) > 2:\n"
        "        parameters = [{**p, 'ba': 0 * p['ba']} for p in parameters]\n"
        "    return right(x, a0, parameters, options)\n"
    )
    with Implementation("last.py", Settings(directory=tmp_path)) as target:
        problem = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=2, layers=1, dtype="float32")
        found = search(Program(target, "rnn_layer"), problem)[0]
        assert "when: in float32 and n_a ≥ 3" in found.lines


@pytest.mark.parametrize(("condition", "told"), [("False", []), ("x.dtype == 'float32'", ["right in"])])
def test_right_in_float64_is_said_only_of_what_is_wrong_in_float32(
    tmp_path: Path, condition: str, told: list[str]
) -> None:
    """The call of a law may be wrong where an ordinary call is right in both dtypes."""
    (tmp_path / "mine.py").write_text(
        "from reference import rnn_layer as right\n"
        "def rnn_layer(x, a0, parameters, options):\n"
        f"    return right(x, a0 + ({condition}), parameters, options)\n"
    )
    problem = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=2, dtype="float32")
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        claims = _right_cases(Program(target, "rnn_layer"), problem, replace(problem, dtype="float64"))
        assert [each.kind for each in claims] == told

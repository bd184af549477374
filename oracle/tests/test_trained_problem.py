"""Problems with the parameters of a file: their line, their sizes, and their errors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.checkpoints import only_layer
from oracle.explanations.behaviour import Behaviour, Program
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.problems import Scope
from oracle.problems.inputs import Inputs
from oracle.problems.problem import LayerProblem, Problem
from oracle.weights.conversion import to_torch
from reference import lstm_layer
from reference.contract import Array

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def anew() -> None:
    """Clear the cache, since each test writes another file of the same name."""
    only_layer.cache_clear()


def saved(path: Path, seed: int = 0, **given: Any) -> Path:
    """A file with the weights of a problem of layers, under torch's names."""
    sizes = {"n_x": 3, "n_a": 4, "m": 1, "T_x": 1, "layers": 2, "directions": 2, "dtype": "float32"}
    inputs = Problem.lstm_layer(**{**sizes, **given}, seed=seed).inputs("lstm_layer")
    state = to_torch("lstm", inputs.parameters, inputs.directions)
    named: dict[str, Any] = {f"encoder.{name}": array for name, array in state.items()}
    np.savez(path, **named)
    return path


@pytest.fixture
def weights(tmp_path: Path) -> str:
    return f"{saved(tmp_path / 'model.npz')}:encoder"


def test_the_line_rebuilds_the_problem_without_the_sizes_in_the_file(weights: str) -> None:
    problem = Problem.lstm_layer(weights=weights, m=2, T_x=5, lengths="random", seed=3)
    assert Problem.parse(repr(problem)) == problem
    assert re.fullmatch(
        rf'Problem.lstm_layer\(weights="{weights}", digest="[0-9a-f]{{12}}", m=2, T_x=5, lengths="random", '
        r'regime="unit", seed=3, dtype="float64"\)',
        repr(problem),
    )
    assert problem.sizes == {"n_x": 3, "n_a": 4, "m": 2, "T_x": 5, "L": 2, "D": 2}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_parameters_are_those_of_the_file_and_other_arrays_are_drawn(weights: str, dtype: Any) -> None:
    problem = Problem.lstm_layer(weights=weights, m=2, T_x=5, seed=3, dtype=dtype)
    inputs, other = (each.inputs("lstm_layer") for each in (problem, replace(problem, seed=4)))
    for ours, theirs, again in zip(
        inputs.parameters, only_layer(weights).parameters, other.parameters, strict=True
    ):
        for name, array in theirs.items():
            np.testing.assert_array_equal(ours[name], array)
            np.testing.assert_array_equal(again[name], array)
            assert ours[name].dtype == dtype
    assert not np.array_equal(inputs.x, other.x)
    assert inputs.x.shape == (3, 2, 5)


def test_a_file_with_other_numbers_is_another_problem(weights: str) -> None:
    line = repr(Problem.lstm_layer(weights=weights, m=1, T_x=1))
    saved(Path(weights.removesuffix(":encoder")), seed=1)
    only_layer.cache_clear()
    with pytest.raises(ValueError, match=r"has other numbers: digest \w+, not \w+"):
        Problem.parse(line)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: {"weights": weights.replace("model", "nodel")}, "there is no such file"),
        (
            lambda weights: {"weights": weights.replace("encoder", "decoder")},
            "no layer in it begins with decoder",
        ),
    ],
)
def test_an_invalid_file_is_refused_in_one_line(weights: str, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Problem.lstm_layer(**change(weights), m=1, T_x=1)
    assert "\n" not in str(caught.value)


def test_weights_of_the_other_network_are_refused(weights: str) -> None:
    with pytest.raises(ValueError, match="holds an LSTM, but the problem is for rnn_layer"):
        Problem.rnn_layer(weights=weights, m=1, T_x=1)


def rounded(array: Any) -> Any:
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(256 * mantissa) / 256, exponent)


COPIES: dict[str, tuple[Any, str]] = {
    "gates": (
        lambda ps: [{**p, "Wi": p["Wf"], "Wf": p["Wi"], "bi": p["bf"], "bf": p["bi"]} for p in ps],
        "the update gate and the forget gate are exchanged",
    ),
    "biases": (
        lambda ps: [{name: 0 * a if name[0] == "b" else a for name, a in p.items()} for p in ps],
        "every bias is left out",
    ),
    "transposed": (
        lambda ps: [
            {n: np.hstack([a[:, :4].T, a[:, 4:]]) if n[0] == "W" else a for n, a in p.items()} for p in ps
        ],
        "the weights of a_prev are transposed",
    ),
    "bfloat16": (
        lambda ps: [{name: rounded(a) for name, a in p.items()} for p in ps],
        "the parameters are rounded to bfloat16",
    ),
    "directions of layer 2": (
        lambda ps: [ps[0], ps[1], ps[3], ps[2]],
        "above the first layer each direction uses the parameters of the other",
    ),
}


def program_with(parameters: Sequence[Mapping[str, Array]]) -> Program:
    """A port that uses these parameters, and ignores the parameters of a call."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        given = inputs.arguments("lstm_layer")
        x, a0, c0, _, options = given
        own = [{name: array.astype(inputs.dtype) for name, array in p.items()} for p in parameters]
        return Behaviour.of("lstm_layer", lstm_layer(x, a0, c0, own, options), given)

    return program


@pytest.mark.parametrize("name", COPIES)
def test_the_mistake_in_a_copy_of_the_weights_is_named(weights: str, name: str) -> None:
    problem = Problem.lstm_layer(weights=weights, m=1, T_x=1)
    change, sentence = COPIES[name]
    program = program_with(change(only_layer(weights).parameters))
    assert isinstance(problem, LayerProblem)
    found = diagnose("lstm_layer", program, problem.inputs("lstm_layer"), Scope(network=problem.network))
    assert [each.words for each in found[:1]] == [sentence]


def test_a_right_copy_has_no_mistake(weights: str) -> None:
    problem = Problem.lstm_layer(weights=weights, m=1, T_x=1)
    program = program_with(only_layer(weights).parameters)
    assert not diagnose("lstm_layer", program, problem.inputs("lstm_layer"), Scope(network=problem.network))

"""The integers in the source of a target are found, and problems with such sizes are posed."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.needle_targets import write_target
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.strategies.domain import Domain
from properties.strategies.effort import EFFORTS, work
from properties.strategies.fixed_problems import CONSTANT_PROBLEMS, MOST_WORK, constant_examples
from properties.tests.one_law import by_power, catch
from reference.contract import CONTRACTS

TARGET = """
from numpy import pad
from reference import lstm_forward as right

BLOCK, unused = 48, 49

def padded(x):
    return x if 51 else BLOCK

class Late:
    limit = 52
    def late(self):
        return 53

def other():
    return 54

def lstm_forward(x, a0, parameters, depth=61):
    def inner():
        return 55, True, 3, 5000, 56.0, "57"
    a, y, c, caches = right(x, a0, parameters)
    if {condition}:
        a = a * 1.5
    return a, y, c, caches, padded, Late, pad
"""


def found(source: str, folder: Path) -> list[int]:
    (folder / "target.py").write_text(source)
    with Implementation("target.py", Settings(directory=folder)) as implementation:
        return [*implementation.load().constants]


def test_integers_are_those_of_the_function_and_of_what_it_uses(tmp_path: Path) -> None:
    assert found(TARGET.format(condition="False"), tmp_path) == [48, 51, 52, 53, 55, 61]


def test_a_method_has_the_integers_of_its_class(tmp_path: Path) -> None:
    source = """
class Net:
    def __init__(self):
        self.block = 40
    def lstm_forward(self, x, a0, parameters):
        return x[:41]
lstm_forward = Net().lstm_forward
"""
    assert found(source, tmp_path) == [40, 41]


@pytest.mark.parametrize(
    "source",
    [
        "class Odd:\n    def __getattr__(self, name):\n        raise SystemError\n"
        "    def __call__(self, x, a0, parameters):\n        return 40\nlstm_forward = Odd()",
        "exec('def lstm_forward(x, a0, parameters): return 40')",
        "def lstm_forward(x, a0, parameters):\n    return 4\nlstm_forward.__wrapped__ = lstm_forward",
    ],
)
def test_a_function_whose_source_cannot_be_read_has_none(source: str, tmp_path: Path) -> None:
    assert found(source, tmp_path) in ([], [40])


def test_a_dozen_problems_within_the_limit_of_work_have_a_constant_or_one_more() -> None:
    for constants in ([37], [512], [48, 100], [*range(5, 90)], [4096]):
        for function in CONTRACTS:
            problems = [problem for [problem] in constant_examples(function, constants, Domain())]
            assert 0 < len(problems) <= CONSTANT_PROBLEMS
            assert all(work(problem, function) <= MOST_WORK for problem in problems)
    assert not constant_examples("lstm_forward", [])


@pytest.mark.parametrize("size", ["n_x", "n_a", "n_y", "m", "T_x"])
@pytest.mark.parametrize("value", [37, 38])
def test_each_size_is_a_constant_and_one_more(size: str, value: int) -> None:
    problems = [problem for [problem] in constant_examples("lstm_forward", [37])]
    assert any(problem.sizes[size] == value for problem in problems)


@pytest.mark.parametrize("condition", ["m * T_x == 96", "n_a + n_x == 47"])
def test_a_product_and_a_sum_are_a_constant(condition: str, tmp_path: Path) -> None:
    write_target(condition, tmp_path / "target.py")
    law: Any = next(law for law in by_power() if law.name == "each step")
    with Implementation("target.py", Settings(directory=tmp_path)) as implementation:
        assert catch(law, implementation, "lstm_forward", 1)


def test_a_law_that_some_wrong_output_keeps_has_no_problems_at_constants() -> None:
    for law in by_power():
        function = law.functions[0]
        numbers = [len(law.fixed_examples(function, EFFORTS["dev"], each)) for each in ([], [37])]
        assert (numbers[0] < numbers[1]) == law.complete

"""A target that changes its arguments, in any way, breaks the law."""

from collections.abc import Callable

import numpy as np
import pytest

from properties.implementations.implementation import Implementation
from properties.tests.one_law import new_turn, violation_facts
from properties.worker.arguments import Arrangement, arrange, earlier_numbers

TARGET = """
from reference import rnn_layer as right
def rnn_layer(x, a0, parameters, options):
    answer = right(x, a0, parameters, options)
    {}
    return answer
"""


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("parameters[0] = 5", "it is no dict any more"),
        ("parameters[0] = parameters", "it is no dict any more"),
        ("parameters[0] = {3: 5}", "keys lost or new: "),
        ("parameters.pop()", "entries lost or new"),
        ("options['directions'] = 7", "the implementation: it wrote to its input"),
    ],
)
def test_what_a_target_makes_of_its_arguments_is_told(
    implement: Callable[..., Implementation], change: str, wrong: str
) -> None:
    facts = violation_facts(new_turn("inputs untouched", "rnn_layer", implement(TARGET.format(change))))
    assert facts["wrong"].startswith(wrong)


@pytest.mark.parametrize("arrangement", ["updated", "retrained"])
def test_a_dict_in_several_caches_is_copied_once_and_gets_its_numbers_back(arrangement: Arrangement) -> None:
    parameters = {"W": np.ones((2, 2)), "b": np.ones((2, 1))}
    [caches] = arrange([[(parameters,), (parameters,)]], arrangement, with_aliases=False)
    [[first], [second]] = caches
    assert first is second is not parameters
    with earlier_numbers([caches], arrangement):
        assert all((array == 0.5).all() for array in first.values())
    assert all((array == 1).all() for array in first.values())


BUFFERS = """
import numpy as np
from reference import rnn_forward as right
buffers = {}
def rnn_forward(x, a0, parameters):
    a, y, caches = right(x, a0, parameters)
    kept = buffers.setdefault(KEY, np.empty(a.shape, a.dtype))
    kept[...] = a
    return kept.copy(), y, caches
"""


@pytest.mark.parametrize(("key", "is_wrong"), [("a.shape", True), ("(a.shape, a.dtype)", False)])
def test_an_array_of_an_earlier_call_in_another_dtype_is_found(
    implement: Callable[..., Implementation], key: str, is_wrong: bool
) -> None:
    target = implement(BUFFERS.replace("KEY", key))
    facts = violation_facts(new_turn("lower precision", "rnn_forward", target))
    assert bool(facts) == is_wrong

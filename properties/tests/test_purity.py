"""A target that changes its arguments, in any way, breaks the law."""

from collections.abc import Callable

import numpy as np
import pytest

from properties.implementations.implementation import Implementation
from properties.tests.one_law import new_turn, violation_facts
from properties.worker.arguments import rewritten

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


@pytest.mark.parametrize("in_place", [True, False])
def test_a_dict_in_several_caches_is_one_dict_that_gets_the_new_numbers(in_place: bool) -> None:
    old, new = ({"W": np.full((2, 2), each), "b": np.ones((2, 1))} for each in (0.5, 1.0))
    earlier, now = ([(np.zeros(2), p), (np.zeros(2), p)] for p in (old, new))
    before, W, b, (first, _) = earlier, old["W"], old["b"], earlier[0]
    after = rewritten(earlier, now, in_place=in_place)
    assert after is before
    assert after[0][1] is after[1][1] is old
    assert after[0][0] is first
    assert (old["W"] == 1).all()
    assert (old["W"] is W) == in_place
    assert old["b"] is b


# Since NumPy 2.5, it warns; targets do it nevertheless.
@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
def test_arguments_are_those_of_the_second_call_whatever_the_first_call_does_to_them() -> None:
    now = [np.ones((1, 2)), np.ones(2), {"W": np.ones(2)}, [np.ones(2)], (np.ones(2),), {}]
    flat, frozen = np.zeros((1, 2)), np.zeros(2)
    flat.shape = (2,)
    frozen.flags.writeable = False
    for earlier in (
        [flat, frozen, {"V": 1}, [], (), {"lengths": 1}],
        [None, 3, {}, {"W": 1}, [np.zeros(2)] * 3, [1]],
        [],
        [*now, 5],
    ):
        after = rewritten(earlier, now, in_place=True)
        assert after is earlier
        assert repr(after) == repr(now)


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

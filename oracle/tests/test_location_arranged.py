"""What is wrong only for arrays that lie in memory in another way."""

from typing import Any

import numpy as np
import pytest

import reference
from oracle.location.in_layers import locate_in_layers
from oracle.problem import Problem
from oracle.tests.strangers.located import Asked, asked_in_other_orders
from oracle.tests.test_location_mixed_up import located_program


def test_an_arrangement_that_makes_something_else_wrong_is_not_told_with_the_others() -> None:
    def of_two(xt: Any, a_prev: Any, parameters: Any) -> Any:
        if xt.strides[0] < 0:
            a, y, cache = reference.rnn_cell_forward(xt, a_prev, parameters)
            return a, y[::-1], cache
        ba = parameters["ba"] * (xt.flags.c_contiguous or not xt.flags.f_contiguous)
        return reference.rnn_cell_forward(xt, a_prev, {**parameters, "ba": ba})

    found = located_program("rnn_cell_forward", of_two, T_x=1)
    assert found.when.startswith("for arrays in Fortran order")
    assert "reversed" not in found.when


@pytest.mark.parametrize("whole", [False, True])
def test_in_which_layouts_layers_are_wrong_is_told(whole: bool) -> None:
    def rnn_layer(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if whole:
            x = np.ravel(x, order="K").reshape(x.shape)
        elif x.flags.f_contiguous and not x.flags.c_contiguous:
            a0 = np.zeros_like(a0)
        return reference.rnn_layer(x, a0, parameters, options)

    made = type("Program", (), {"rnn_layer": staticmethod(rnn_layer)})
    asked, arranged = (
        Asked("rnn_layer", lambda: made),
        asked_in_other_orders("rnn_layer", lambda: made),
    )
    problem: Any = Problem.rnn_layer(n_x=3, n_a=4, m=5, T_x=6)
    found = locate_in_layers("rnn_layer", asked, problem, asked.anew, arranged=arranged)
    assert found
    assert found.when.startswith("for arrays in Fortran order")
    if whole:
        assert found.where == "x is not read as it is given"
        assert found.how == "as if read in Fortran's order and written in C's"


def test_of_what_is_wrong_as_it_is_no_layout_is_told() -> None:
    kept = list[Any]()

    def rnn_layer(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        kept.append(parameters[0]["ba"].copy())
        first = {**parameters[0], "ba": kept[0] if kept[0].shape == kept[-1].shape else kept[-1]}
        return reference.rnn_layer(x, a0, [first, *parameters[1:]], options)

    made = type("Program", (), {"rnn_layer": staticmethod(rnn_layer)})
    asked, arranged = (
        Asked("rnn_layer", lambda: made),
        asked_in_other_orders("rnn_layer", lambda: made),
    )
    problem: Any = Problem.rnn_layer(n_x=3, n_a=4, m=5, T_x=6)
    assert locate_in_layers("rnn_layer", asked, problem, kept.clear, arranged=arranged) is None

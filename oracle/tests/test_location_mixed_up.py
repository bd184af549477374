"""Arrays, steps and samples that are taken for others, and what is kept of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from oracle.location.located import locate
from oracle.problem import Problem
from oracle.tests.strangers.located import Asked, asked_in_other_orders


def located_program(function: str, change: Callable[..., Any], **sizes: int) -> Any:
    """Where, when and how one is wrong that answers `change(*arguments)`."""
    made = type("Program", (), {function: staticmethod(change)})
    asked = Asked(function, lambda: made)
    problem = getattr(Problem, function.split("_")[0])(
        **{"n_x": 2, "n_a": 3, "n_y": 4, "m": 3, "T_x": 4, **sizes}
    )
    arranged = asked_in_other_orders(function, lambda: made)
    found = locate(function, asked, problem, asked.anew, arranged=arranged)
    assert found
    return found


def test_arrays_are_told_that_are_reversed_in_memory() -> None:
    def of_base(xt: Any, a_prev: Any, parameters: Any) -> Any:
        is_view = xt.base is not None and xt.base.shape == xt.shape
        return reference.rnn_cell_forward(xt.base if is_view else xt, a_prev, parameters)

    found = located_program("rnn_cell_forward", of_base, T_x=1)
    assert (found.when, found.how) == (
        "for reversed arrays",
        "the right ones in reverse order along all axes",
    )


def test_all_arrangements_are_told_that_make_it_wrong() -> None:
    def of_rows(xt: Any, a_prev: Any, parameters: Any) -> Any:
        is_turned = xt.shape[0] == xt.shape[1] and not xt.flags.c_contiguous
        return reference.rnn_cell_forward(xt.T if is_turned else xt, a_prev, parameters)

    found = located_program("rnn_cell_forward", of_rows, m=2, T_x=1)
    arranged = "for arrays in Fortran order, strided arrays and reversed arrays"
    assert found.when == f"{arranged}, n_x = m, but not where n_x = m = 1"


def test_a_step_that_is_counted_backward_from_the_first_is_told() -> None:
    def negated(x: Any, a0: Any, parameters: Any) -> Any:
        return reference.rnn_forward(np.roll(x[:, :, ::-1], 1, axis=2), a0, parameters)

    found = located_program("rnn_forward", negated)
    assert found.how == "of step k that of step -k, counted from the end"


@pytest.mark.parametrize(("kept", "said"), [("Waa", "Waa were"), ("Wax Waa", "all weights but Wya were")])
def test_parameters_are_told_that_are_kept_of_a_dict_that_changes(kept: str, said: str) -> None:
    of_dicts: dict[int, Any] = {}

    def stale(xt: Any, a_prev: Any, parameters: Any) -> Any:
        old = {name: parameters[name].copy() for name in kept.split()}
        return reference.rnn_cell_forward(
            xt, a_prev, {**parameters, **of_dicts.setdefault(id(parameters), (parameters, old))[1]}
        )

    found = located_program("rnn_cell_forward", stale, T_x=1)
    assert found.when == "for the arrays and dicts of an earlier call, which hold other numbers now"
    assert found.how == f"as if {said} those of that call"


@pytest.mark.parametrize(("step", "said"), [(0, "this step"), (1, "the step before")])
def test_a_step_that_is_made_twice_is_told(step: int, said: str) -> None:
    def twice(x: Any, a0: Any, parameters: Any) -> Any:
        """Step 0, whose first state is lost, or is the one that is returned."""
        a, y, (caches, _) = reference.rnn_forward(np.concatenate([x[:, :, :1], x], axis=2), a0, parameters)
        kept = [k for k in range(x.shape[2] + 1) if k != step]
        return a[:, :, kept], y[:, :, kept], ([caches[k] for k in kept], x)

    found = located_program("rnn_forward", twice)
    assert found.how == f"the value of the state that {said} makes of the right one"


def test_predictions_in_the_place_of_states_are_told() -> None:
    def in_one_array(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, caches = reference.rnn_forward(x, a0, parameters)
        return (y if y.shape == a.shape else a), y, caches

    found = located_program("rnn_forward", in_one_array, n_y=3)
    assert (found.when, found.how) == ("n_a = n_y", "the value of yt_pred")


def test_samples_that_are_put_back_by_the_order_in_which_they_were_sorted_are_told() -> None:
    def sorted_twice(x: Any, a0: Any, parameters: Any) -> Any:
        steps = np.arange(1, x.shape[2] + 1)
        order = np.argsort(-np.max(x.any(axis=0) * steps, axis=1, initial=0), kind="stable")
        a, y, c, caches = reference.lstm_forward(x, a0, parameters)
        a, y, c = (array[:, order][:, order] for array in (a, y, c))
        return a, y, c, caches

    found = located_program("lstm_forward", sorted_twice)
    assert found.when == "wherever that makes a difference"
    assert found.how.startswith("that of sample order[order[k]], order = stable argsort(-lengths)")


def test_what_is_reset_by_steps_is_not_said_to_hang_on_sizes() -> None:
    """Step 0 is right in sizes that few steps are asked of."""

    def in_chunks(x: Any, a0: Any, parameters: Any) -> Any:
        every, caches, a, c = [], [], a0, np.zeros_like(a0)
        for t in range(x.shape[2]):
            c = c if t % 16 else np.zeros_like(c)
            a, c, y, cache = reference.lstm_cell_forward(x[:, :, t], a, c, parameters)
            every.append((a, y, c))
            caches.append(cache)
        return *(np.stack(outputs, axis=2) for outputs in zip(*every, strict=True)), (caches, x)

    found = located_program("lstm_forward", in_chunks, n_x=1, n_a=2, n_y=3, m=1, T_x=129)
    assert found.when == "step mod 16 = 0 and from step 16 on"
    assert found.how == "always 0"


@pytest.mark.parametrize("name", ["xt", "Wax"])
def test_inputs_that_are_kept_are_told_from_weights_that_are(name: str) -> None:
    kept: dict[int, Any] = {}

    def stale(xt: Any, a_prev: Any, parameters: Any) -> Any:
        array = xt if name == "xt" else parameters["Wax"]
        _, old = kept.setdefault(id(array), (array, array.copy()))
        if name == "xt":
            return reference.rnn_cell_forward(old, a_prev, parameters)
        return reference.rnn_cell_forward(xt, a_prev, {**parameters, "Wax": old})

    found = located_program("rnn_cell_forward", stale, T_x=1)
    assert found.how == (
        "as if x was that of that call" if name == "xt" else "as if Wax were those of that call"
    )


def test_a_step_is_told_whose_results_are_those_of_an_earlier_one_of_the_same_input() -> None:
    def memoised(x: Any, a0: Any, parameters: Any) -> Any:
        known: dict[bytes, Any] = {}
        caches: list[Any] = []
        a_next = a0
        for t in range(x.shape[2]):
            key = x[:, :, t].tobytes()
            if key not in known:
                known[key] = reference.rnn_cell_forward(x[:, :, t], a_next, parameters)
            a_next = known[key][0]
            caches.append(known[key])
        a, y = (np.stack([each[place] for each in caches], axis=2) for place in (0, 1))
        return a, y, ([cache for _, _, cache in caches], x)

    found = located_program("rnn_forward", memoised)
    assert found.when == "at steps whose xt an earlier step has, too, of all samples"
    assert found.how == "the value of a_prev of the first step of the same xt"


def test_states_are_told_of_which_a_mask_keeps_some() -> None:
    def masked(x: Any, a0: Any, parameters: Any) -> Any:
        mask = (np.random.default_rng(0).random(a0.shape) < 0.75) / 0.75
        steps: list[Any] = []
        a_next = a0
        for t in range(x.shape[2]):
            steps.append(reference.rnn_cell_forward(x[:, :, t], a_next * mask, parameters))
            a_next = steps[-1][0]
        a, y = (np.stack([each[place] for each in steps], axis=2) for place in (0, 1))
        return a, y, ([cache for _, _, cache in steps], x)

    found = located_program("rnn_forward", masked)
    assert (found.when, found.how) == ("a_prev ≠ 0", "0 or 1.33333 times the right value")


@pytest.mark.parametrize("of", ["shape", "shape and dtype", "shape, of float64 alone"])
def test_what_a_call_has_to_agree_in_is_told_for_its_results_to_be_kept(of: str) -> None:
    def make() -> Any:
        kept: dict[Any, Any] = {}

        def biased(xt: Any, a_prev: Any, parameters: Any) -> Any:
            ba = parameters["ba"]
            if "alone" in of and xt.dtype != "float64":
                raise TypeError
            old = kept.setdefault((ba.shape, "dtype" in of and ba.dtype), ba)
            return reference.rnn_cell_forward(xt, a_prev, {**parameters, "ba": old.astype(ba.dtype)})

        return type("Program", (), {"rnn_cell_forward": staticmethod(biased)})

    asked = Asked("rnn_cell_forward", make)
    problem = Problem.rnn(n_x=2, n_a=3, n_y=4, m=3, T_x=1)
    found = locate("rnn_cell_forward", asked, problem, asked.anew)
    assert found
    assert found.when == f"after another call of its n_a{' and dtype' * ('dtype' in of)}"

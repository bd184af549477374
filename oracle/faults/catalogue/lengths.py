"""Lengths: ignored somewhere, off by one, of other samples; samples sorted by them and not sorted back.

`v` holds by name what is known so far (see `oracle.faults.layer_equations`): `lengths` are T_x each where
none are given, `ends` are those that a direction of a layer goes by; `asked.lengths` may be `None`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import add, series
from oracle.faults.catalogue.layer_entry import RIGHT, above, backward, forward, states
from oracle.faults.equations import Equations
from oracle.faults.fault import Fault
from oracle.faults.layer_equations import backwards, every_step, forwards, taken
from reference.contract import LAYERS, Array

FAULTS: list[Fault] = []


def _where_given(change: Callable[[Array, Any], Any]) -> Callable[[Any], Any]:
    """Other lengths, where there are any."""
    return lambda v: every_step(v) if v.asked.lengths is None else change(v.asked.lengths, v)


def _zero_where_padded(v: Any, state: str) -> Array:
    """The last column of the states over time, where those beyond the end are zero."""
    return np.where(v.ends == v.T_x, RIGHT[f"{state}_end"](v), 0)


def _zero_input(v: Any) -> Array:
    if v.asked.lengths is None:
        return np.asarray(v.given["x"])
    return np.where(np.arange(v.T_x) < v.asked.lengths[:, None], v.given["x"], 0)


def _longest_first(v: Any) -> Array:
    return np.argsort(-v.lengths, kind="stable")


def _twice(v: Any) -> Array:
    return _longest_first(v)[_longest_first(v)]


def _samples(order: Callable[[Any], Array], *names: str) -> Equations:
    """The named states, each `(L D, n, m)`, with their samples in another order."""
    return {name: lambda v, right=RIGHT[name]: right(v)[..., order(v)] for name in names}


lengths = partial(add, FAULTS, "lengths", LAYERS)
lengths_are = series(FAULTS, "lengths", LAYERS, "lengths")
lengths_are("lengths_ignored", "lengths are ignored", every_step)
lengths_are("lengths_one_short", "lengths are one too short", _where_given(lambda n, v: n - 1))
lengths_are(
    "lengths_one_long", "lengths are one too long", _where_given(lambda n, v: np.minimum(n + 1, v.T_x))
)
lengths_are(
    "longest_for_all",
    "every sample has the greatest length",
    _where_given(lambda n, v: 0 * n + max(n, default=0)),
)
lengths_are(
    "shortest_for_all",
    "every sample has the least length",
    _where_given(lambda n, v: 0 * n + min(n, default=0)),
)
lengths_are(
    "first_length_for_all",
    "every sample has the length of the first",
    _where_given(lambda n, v: n[[0] * v.m]),
)
lengths_are(
    "lengths_sorted",
    "lengths are sorted from the greatest down, the samples are not",
    _where_given(lambda n, v: -np.sort(-n)),
)
lengths(
    "lengths_ignored_backward",
    "the backward direction steps through the padding to a sequence's end",
    **backward(ends=every_step),
)
lengths("lengths_ignored_above", "layers above the first ignore lengths", **above(ends=every_step))
lengths(
    "lengths_for_padding_alone", "lengths are used for the padding of a and for nothing else", ends=every_step
)
ignored = {
    "order": lambda v: backwards(v, every_step(v)) if v.direction else forwards(v),
    "padded": lambda v: v.joined,
}
lengths(
    "lengths_for_last_states_alone", "lengths are used for the last states and for nothing else", **ignored
)
zero_input = {"below": _zero_input, "lengths": every_step}
lengths("lengths_for_x_alone", "x is 0 beyond the lengths, which are then ignored", **zero_input)
last_is = series(FAULTS, "lengths", LAYERS, "last")
last_is("carried_on", "states are carried on beyond the lengths", every_step)
lengths(
    "forward_carried_on",
    "in the forward direction states are carried on beyond the lengths",
    **forward(last=every_step),
)
lengths(
    "last_states_in_padding",
    "the forward direction's last states are those at the last step of x, 0 in the padding",
    **forward(**states("end", _zero_where_padded)),
)
padded_is = series(FAULTS, "lengths", LAYERS, "padded")
padded_is("padding_not_zeroed", "a is not 0 beyond the lengths", lambda v: v.joined)
padded_is(
    "last_state_repeated",
    "a has the last step repeated beyond the lengths",
    lambda v: taken(v.joined, np.minimum(forwards(v), v.lengths[:, None] - 1)),
)
padded_is(
    "padding_begins_late",
    "a is 0 only from the second step beyond the lengths",
    lambda v: np.where(forwards(v) <= v.lengths[:, None], v.joined, 0),
)

a_sorted = {"top": lambda v: RIGHT["top"](v)[:, _longest_first(v)]}
last_sorted = _samples(_longest_first, "a_last", "c_last")
sorted_by = "by length, the longest first"
lengths("a_left_sorted", f"the samples of a are left sorted {sorted_by}", **a_sorted)
lengths(
    "last_states_left_sorted", f"the samples of the last states are left sorted {sorted_by}", **last_sorted
)
lengths("all_left_sorted", f"all samples are left sorted {sorted_by}", **a_sorted, **last_sorted)
sorted_twice = {"top": lambda v: RIGHT["top"](v)[:, _twice(v)], **_samples(_twice, "a_last", "c_last")}
lengths("sorted_twice", f"samples sorted {sorted_by}, are sorted so again, and not back", **sorted_twice)
unsorted = _samples(lambda v: np.argsort(_longest_first(v)), "a_first", "c_first")
lengths(
    "initial_states_not_sorted", f"samples are sorted {sorted_by}, but for the initial states", **unsorted
)

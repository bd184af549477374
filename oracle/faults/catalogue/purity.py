"""Purity: overwritten inputs, and answers that depend on earlier calls or on chance.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): `arguments` has the arrays of
the caller, and `memory` has values that earlier calls have stored.
"""

from functools import partial
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import ALL, EVERY, FORWARDS, LSTM, RIGHT, Entries, cache, concat
from reference.contract import LAYERS

FAULTS = Entries("purity")

UNSEEDED = np.random.default_rng()


def _fill_argument_with_zeros(v: Any, index: int) -> Any:
    """The cache, after the caller's array has been overwritten."""
    v.arguments[index].fill(0)
    return cache(v)


def _update_parameters(v: Any, **entries: Any) -> Any:
    """The arguments, after the caller's dict has been changed."""
    v.parameters.update(entries)
    return v.arguments


def _first_arguments_of_shape(v: Any) -> Any:
    """Copies of the arguments of the first call with arguments of these shapes."""
    shapes = tuple(np.shape(argument) for argument in v.arguments)
    return v.memory.setdefault(shapes, [np.array(argument) for argument in v.arguments])


def _first_array_of_shape(v: Any) -> Any:
    """The array `a` of the first call with these sizes and this dtype."""
    return v.memory.setdefault((v.n_a, v.m, v.T_x, v.x.dtype), RIGHT["a"](v))


def _entries_of_all_calls(v: Any) -> Any:
    """One list of cache entries for all calls."""
    return v.memory.setdefault("entries", [])


purity = FAULTS.of(ALL)
x_written, state_written = (partial(_fill_argument_with_zeros, index=index) for index in (0, 1))
purity("x_overwritten", "the input is overwritten with zeros", cache=x_written)
purity("state_overwritten", "the initial state is overwritten with zeros", cache=state_written)
m_added = {"arguments": lambda v: _update_parameters(v, m=0)}
purity("parameters_extended", "an entry is added to the parameters", **m_added)
sentence = "earlier arguments are used for arguments of the same shapes"
purity("arguments_remembered", sentence, arguments=_first_arguments_of_shape)
purity = FAULTS.of(FORWARDS)
purity("a_reused", "a is the array that the last call returned", a=_first_array_of_shape)
purity("old_caches_kept", "earlier caches are returned too", entries=_entries_of_all_calls)
bf_raised = {"arguments": lambda v: _update_parameters(v, bf=v.parameters["bf"] + 1)}
FAULTS.of(LSTM)("bf_raised", "every call adds 1 to the caller's bf", **bf_raised)
concat_is = FAULTS.series(EVERY, "concat")
concat_is("noise", "random noise is added to [a; x]", lambda v: UNSEEDED.normal(concat(v), 1e-3))
concat_is("dropout", "dropout is left on", lambda v: concat(v) * UNSEEDED.integers(2, size=concat(v).shape))
between_is = FAULTS.series(LAYERS, "between")
sentence = "dropout is left on between layers"
between_is("dropout_between", sentence, lambda v: v.padded * 2 * UNSEEDED.integers(2, size=v.padded.shape))

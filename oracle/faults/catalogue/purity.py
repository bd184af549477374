"""Purity: overwritten inputs, and answers that depend on earlier calls or on chance.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): `arguments` are the arrays of
the caller, and the values in `v.memory` last from call to call.
"""

from functools import partial
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import ALL, EVERY, FORWARDS, LSTM, RIGHT, add, cache, concat, series
from oracle.faults.fault import Fault
from reference.contract import LAYERS

FAULTS: list[Fault] = []

CHANCE = np.random.default_rng()


def _written(v: Any, which: int) -> Any:
    v.arguments[which].fill(0)
    return cache(v)


def _extended(v: Any, **entries: Any) -> Any:
    v.parameters.update(entries)
    return v.arguments


def _remembered(v: Any) -> Any:
    shapes = tuple(np.shape(argument) for argument in v.arguments)
    return v.memory.setdefault(shapes, [np.array(argument) for argument in v.arguments])


def _reused(v: Any) -> Any:
    return v.memory.setdefault((v.n_a, v.m, v.T_x, v.x.dtype), RIGHT["a"](v))


purity = partial(add, FAULTS, "purity", ALL)
purity("x_overwritten", "the input is overwritten with zeros", cache=partial(_written, which=0))
purity("state_overwritten", "the initial state is overwritten with zeros", cache=partial(_written, which=1))
purity("parameters_extended", "an entry is added to the parameters", arguments=lambda v: _extended(v, m=0))
sentence = "earlier arguments are used for arguments of the same shapes"
purity("arguments_remembered", sentence, arguments=_remembered)
purity = partial(add, FAULTS, "purity", FORWARDS)
purity("a_reused", "a is the array that the last call returned", a=_reused)
purity("old_caches_kept", "earlier caches are returned too", kept=lambda v: v.memory.setdefault("kept", []))
bf_raised = {"arguments": lambda v: _extended(v, bf=v.parameters["bf"] + 1)}
add(FAULTS, "purity", LSTM, "bf_raised", "every call adds 1 to the caller's bf", **bf_raised)
concat_is = series(FAULTS, "purity", EVERY, "concat")
concat_is("noise", "random noise is added to [a; x]", lambda v: CHANCE.normal(concat(v), 1e-3))
concat_is("dropout", "dropout is left on", lambda v: concat(v) * CHANCE.integers(2, size=concat(v).shape))
between_is = series(FAULTS, "purity", LAYERS, "between")
sentence = "dropout is left on between layers"
between_is("dropout_between", sentence, lambda v: v.padded * 2 * CHANCE.integers(2, size=v.padded.shape))

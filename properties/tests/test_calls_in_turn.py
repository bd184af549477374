"""Each of these programs errs only in a call that follows a certain other call. Only one law catches it."""

from collections.abc import Callable, Mapping

import pytest

from oracle.tests.selection import chosen
from properties.implementations.implementation import Implementation
from properties.laws import all_laws
from properties.tests.one_law import catch

Implement = Callable[..., Implementation]

HEAD = """
import numpy as np
import reference

kept = {}

def numbers(*values):
    return [np.asarray(v).tobytes() + str(np.shape(v)).encode() for v in values]

def of(parameters, *left_out):
    return tuple(parameters[k].tobytes() for k in sorted(parameters) if k not in left_out)
"""

CHANGED: Mapping[str, str] = {
    "the memo leaves out a0": """
def rnn_forward(x, a0, parameters):
    first = kept.setdefault((*numbers(x), *of(parameters)), a0.copy())
    first = first if np.isfinite([first, a0]).all() else a0
    a, y, _ = reference.rnn_forward(x, first, parameters)
    return a, y, reference.rnn_forward(x, a0, parameters)[2]
""",
    "the memo leaves out the parameters": """
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    p = {k: v.copy() for k, v in parameters.items()}
    p = kept.setdefault((*numbers(xt, a_prev, c_prev),), p) if xt.size else p
    *outputs, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, p)
    return (*outputs, (*cache[:-1], parameters))
""",
    "the memo leaves out one bias": """
def lstm_forward(x, a0, parameters):
    by = kept.setdefault((*numbers(x, a0), *of(parameters, "by")), parameters["by"].copy())
    a, y, c, _ = reference.lstm_forward(x, a0, {**parameters, "by": by})
    return a, y, c, reference.lstm_forward(x, a0, parameters)[3]
""",
    "a weight is kept for the same dict of parameters": """
def rnn_cell_forward(xt, a_prev, parameters):
    if kept.get("parameters") is not parameters:
        kept.update(parameters=parameters, Waa=parameters["Waa"].copy())
    a, y, cache = reference.rnn_cell_forward(xt, a_prev, {**parameters, "Waa": kept["Waa"]})
    return a, y, (*cache[:-1], parameters)
""",
    "a copy of x is kept for the same array": """
def lstm_forward(x, a0, parameters):
    if kept.get("x") is not x:
        kept.update(x=x, copy=x.copy())
    a, y, c, _ = reference.lstm_forward(kept["copy"], a0, parameters)
    return a, y, c, reference.lstm_forward(x, a0, parameters)[3]
""",
    "the memo leaves out the incoming gradient": """
def rnn_backward(da, caches):
    key = numbers(*(array for cache in caches[0] for array in cache[:-1]))
    first = kept.setdefault((*key, *of(caches[0][0][-1])), da.copy())
    return reference.rnn_backward(first if np.isfinite([first, da]).all() else da, caches)
""",
    "the memo leaves out the parameters above the first layer": """
def rnn_layer(x, a0, parameters, options):
    key = (*numbers(x, a0), *of(parameters[0]), str(options), len(parameters))
    upper = kept.setdefault(key, [{k: v.copy() for k, v in p.items()} for p in parameters[1:]])
    return reference.rnn_layer(x, a0, [parameters[0], *upper], options)
""",
}

STREAMED: Mapping[str, str] = {
    "c goes on from the last call if a0 is the last a": """
def lstm_forward(x, a0, parameters):
    if a0.base is not None and a0.base is kept.get("a"):
        gates = {k: parameters[k] for k in parameters if k not in ("Wy", "by")}
        a, _, _ = reference.lstm_layer(x, a0[None], kept["c"][None], [gates], {"directions": 1})
    else:
        a, _, c, _ = reference.lstm_forward(x, a0, parameters)
        kept.update(a=a, c=c[:, :, -1] if x.shape[2] else None)
    _, y, c, caches = reference.lstm_forward(x, a0, parameters)
    return a, y, c, caches
""",
    "c goes on from the last call if a0 has the numbers of the last a": """
def lstm_forward(x, a0, parameters):
    goes_on = a0.shape == kept.get("last", x).shape and (a0 == kept["last"]).all() and a0.any()
    a, y, c, caches = reference.lstm_forward(x, a0, parameters)
    kept["last"] = a[:, :, -1].copy() if x.shape[2] else x
    return a, y, c + goes_on, caches
""",
    "the first state of the last call is taken for its last one": """
def rnn_forward(x, a0, parameters):
    first = kept["a"][:, :, 0] if a0.base is not None and a0.base is kept.get("a") else a0
    a, y, _ = reference.rnn_forward(x, first, parameters)
    kept["a"] = a
    return a, y, reference.rnn_forward(x, a0, parameters)[2]
""",
    "a returned state is rounded to float32 when it comes back": """
def rnn_layer(x, a0, parameters, options):
    comes_back = a0 is kept.get("last") and kept["steps"] > 1
    a0 = a0.astype("f").astype(a0.dtype) if comes_back else a0
    a, last = reference.rnn_layer(x, a0, parameters, options)
    kept.update(last=last, steps=x.shape[2])
    return a, last
""",
    "c0 is taken for zeros when it comes back": """
def lstm_layer(x, a0, c0, parameters, options):
    comes_back = c0 is kept.get("last") and kept["steps"] > 1
    c0 = np.zeros_like(c0) if comes_back else c0
    a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
    kept.update(last=c_last, steps=x.shape[2])
    return a, a_last, c_last
""",
}

CAUGHT = [
    *((name, "changed argument", source) for name, source in CHANGED.items()),
    *((name, "split", source) for name, source in STREAMED.items()),
]


def function_of(source: str) -> str:
    return source.partition("def ")[2].partition("(")[0]


@pytest.mark.parametrize(("law", "source"), [case[1:] for case in CAUGHT], ids=[case[0] for case in CAUGHT])
def test_the_law_catches_it(implement: Implement, law: str, source: str) -> None:
    (stated,) = (each for each in all_laws() if each.name == law)
    assert catch(stated, implement(HEAD + source), function_of(source), 0)


SAMPLE = chosen(CAUGHT, lambda case: case[1])


@pytest.mark.parametrize(("law", "source"), [case[1:] for case in SAMPLE], ids=[case[0] for case in SAMPLE])
def test_no_other_law_catches_it(implement: Implement, law: str, source: str) -> None:
    """Takes a second for each program: all laws of a function are run."""
    target, function = implement(HEAD + source), function_of(source)
    laws = [each for each in all_laws() if function in each.functions and each.name != law]
    assert len(laws) >= 15
    assert [each.name for each in laws if catch(each, target, function, 0)] == []

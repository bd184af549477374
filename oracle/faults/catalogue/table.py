"""Reads the tables of the catalogue. In a table, the mistakes of a function are listed below its name.

```
[lengths]
LAYERS
  carried_on | states are updated in the padding | last = full_lengths
  forward_carried_on | in the forward direction states are updated in the padding
    | forward last = full_lengths
```

The line in brackets is the group of the mistakes. The functions are a key of `FUNCTIONS_OF`, or one function.
A mistake has a name, a sentence that completes the line "looks like", and changed equations, whose right
forms are in `oracle.faults.equations`, `layer_equations` or `backward_equations`. A line that begins with `|`
continues the line above.

The right side of a changed equation is the name of a function, or an expression. An expression can use the
quantities (or only its arguments, if the equation is listed in `ARGUMENTS`), the names in `NAMES`, and the
keyword arguments of `mistakes`. In an expression, `right` is the right value, and `v` has all quantities.

An equation with `?` stands for two equations, one with `a` for `?`, and one with `c`. The words `above`,
`forward` and `backward` restrict a change to the layers above the first, or to one direction. A line with
`<g>`, `<gate>` or `<the gate>` stands for a line for each gate.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from oracle.faults.fault import Fault, equation_module
from oracle.layout import LAYOUTS
from oracle.network.expressions import Equations
from oracle.network.layers import backward_steps, forward_steps, full_lengths, in_order, state_after
from reference.activations import sigmoid, softmax
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, Array

FORWARDS, LSTM = ("rnn_forward", "lstm_forward"), ("lstm_cell_forward", "lstm_forward")
FUNCTIONS_OF: Mapping[str, Sequence[str]] = {
    "ALL": FUNCTIONS,
    "LSTM": LSTM,
    "FORWARDS": FORWARDS,
    "LAYERS": LAYERS,
    "EVERY": (*FUNCTIONS, *LAYERS),
    "EVERY_RNN": ("rnn_cell_forward", "rnn_forward", "rnn_layer"),
    "EVERY_LSTM": (*LSTM, "lstm_layer"),
    "EVERY_SEQUENCE": (*FORWARDS, *LAYERS),
    "BACKWARDS": BACKWARDS,
    "RNN_BACKWARDS": ("rnn_cell_backward", "rnn_backward"),
    "LSTM_BACKWARDS": ("lstm_cell_backward", "lstm_backward"),
    "SEQUENCE_BACKWARDS": ("rnn_backward", "lstm_backward"),
}
"""The functions that a word in a table stands for. `ALL` are the four functions; `EVERY` includes layers."""

ARGUMENTS: Mapping[str, str] = {
    "argument": "array",
    "parameters": "p",
    "predictions": "y",
    "cached": "names",
    "returned": "names",
    "answer": "out",
    "affine": "W, u, b",
    **dict.fromkeys(("sigmoid", "tanh", "softmax"), "z"),
    "added": "total, part",
    "gradient": "name, array, v",
}
"""The arguments of each equation that is not a function of all quantities."""

GATES = {"i": "update", "f": "forget", "c": "candidate", "o": "output"}
PHRASES = {"i": "the update gate", "f": "the forget gate", "c": "the candidate", "o": "the output gate"}
FRAMEWORKS_BY_ORDER: dict[str, str] = {}
for framework, layout in LAYOUTS.items():
    FRAMEWORKS_BY_ORDER.setdefault(layout.gates, framework)
"""The first framework with each order of gates, such as `"ifco"`, in the letters of the specification."""

_RESTRICTIONS: Mapping[str, Callable[[Any], bool]] = {
    "above": lambda v: v.layer > 0,
    "forward": lambda v: v.direction == 0,
    "backward": lambda v: v.direction == 1,
}

MASKED_STEPS = (
    "order = through_the_padding | last = full_lengths"
    " | a_out = np.where(order[:, t] < ends, right, a_prev)"
    " | c_next = np.where(order[:, t] < ends, right, c_prev)"
)
"""Another right way to use lengths: a direction computes all steps of x, and holds states in the padding."""


def mistakes(table: str, **names: Any) -> list[Fault]:
    """The mistakes of a table, in order; `names` are values that the expressions use."""
    faults: list[Fault] = []
    functions, group = FUNCTIONS, ""
    right_equations: Equations = {}
    for line in filter(None, re.sub(r"\n +\| ", " | ", table).splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
            continue
        if not line.startswith(" "):
            functions = tuple(FUNCTIONS_OF.get(line, [line]))
            right_equations = equation_module(CONTRACTS[functions[-1]]).SPECIFICATION["lstm"]
            continue
        for g in GATES if "<g" in line else "i":
            of_gate = line.replace("<g>", g).replace("<gate>", GATES[g]).replace("<the gate>", PHRASES[g])
            name, sentence, *changes = of_gate.strip().split(" | ")
            wrong: dict[str, Callable[..., Any]] = {}
            for change in changes:
                for letter in "ac" if "?" in change else "a":
                    change_of_state = change.replace("?", letter)
                    wrong.update(_changed_equation(change_of_state, right_equations, {**NAMES, **names}))
            faults.append(Fault(name, group, sentence, dict.fromkeys(functions, wrong)))
    return faults


def _changed_equation(change: str, right_equations: Equations, names: dict[str, Any]) -> Equations:
    """Parse a change into the wrong equation, by the name of its quantity."""
    left, _, text = change.partition(" = ")
    *restriction, quantity = left.split()
    right = right_equations.get(quantity)
    wrong = _equation(quantity, text, right, names)
    if not (restriction and right):
        return {quantity: wrong}
    is_restricted_to = _RESTRICTIONS[restriction[0]]
    return {quantity: lambda v: (wrong if is_restricted_to(v) else right)(v)}


def _equation(quantity: str, text: str, right: Any, names: dict[str, Any]) -> Callable[..., Any]:
    if callable(function := names.get(text)):
        return function  # type: ignore[no-any-return]
    if quantity in ARGUMENTS:
        of_arguments: Callable[..., Any] = eval(f"lambda {ARGUMENTS[quantity]}: {text}", names)
        return of_arguments
    code = compile(text, text, "eval")
    if "right" in code.co_names:
        return lambda v: eval(code, names, {**vars(v), "v": v, "right": right(v)})
    if "v" in code.co_names:
        return lambda v: eval(code, names, {**vars(v), "v": v})
    return lambda v: eval(code, names, vars(v))


def mapped(p: Mapping[str, Array], transform: Callable[[Array], Array], *names: str) -> dict[str, Array]:
    """Apply `transform` to the parameters with these names, or to all parameters if no name is given."""
    return {**p, **{name: transform(p[name]) for name in names or p if name in p}}


def misread_gates(p: Mapping[str, Array], order: str, stacked: str, parts: str = "Wb") -> dict[str, Array]:
    """Give the k-th gate in `order` the parameters of the k-th gate in `stacked`."""
    return {**p, **{part + g: p[part + h] for g, h in zip(order, stacked, strict=True) for part in parts}}


def a_weights_transposed(p: Mapping[str, Array], gates: str = "ifco") -> dict[str, Array]:
    """Transpose the columns of the weights that act on a_prev."""
    names = {"Waa", *(f"W{gate}" for gate in gates)} & p.keys()
    squares = ((name, p[name], len(p.get("Wp", p[name]))) for name in names)
    return {**p, **{name: np.hstack([W[:, :n_h].T, W[:, n_h:]]) for name, W, n_h in squares}}


def by_columns(W: Array) -> Array:
    """The entries of W row by row, written column by column into an array of the same shape."""
    return W.reshape(W.shape[::-1]).T


def exchanged(names: Sequence[str], one: str, other: str) -> list[str]:
    """Exchange two names in a list of names."""
    return [{one: other, other: one}.get(name, name) for name in names]


def through_the_padding(v: Any) -> Array:
    """All steps of x for each sample, `(m, T_x)`, in the order of the direction."""
    return backward_steps(v, full_lengths(v)) if v.direction else forward_steps(v)


def halves(output: Array, D: int, change: Callable[[Array, Array], Sequence[Array]]) -> Array:
    """Replace the halves of a layer's output by `change(forward, backward)`, if it has D = 2 directions."""
    return np.concatenate(change(*np.split(output, 2))) if D == 2 else output


NAMES: Mapping[str, Any] = {
    "np": np,
    **{
        function.__name__: function
        for function in (
            *(sigmoid, softmax, mapped, misread_gates, a_weights_transposed, by_columns, exchanged),
            *(forward_steps, full_lengths, through_the_padding, in_order, state_after, halves),
        )
    },
}
"""The names that every expression can use."""

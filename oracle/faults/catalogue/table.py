"""Reads the tables of the catalogue: a line for each mistake, below the functions that can make it.

```
[lengths]
LAYERS
  carried_on | states are updated in the padding | last = full_lengths
  forward_carried_on | in the forward direction states are updated in the padding
    | forward last = full_lengths
```

The line in brackets is the group of the mistakes. The functions are a key of `FUNCTIONS_OF`, or one function.
A mistake has a name, a sentence that completes the line "looks like", and its changes of the equations in
`oracle.faults.equations`, `layer_equations` or `backward_equations`. A line that begins with `|` continues
the line above.

The right side of a change is the name of a function, or an expression of quantities (or of the arguments in
`ARGUMENTS`), of the names in `NAMES`, and of those that the table is given. In an expression, `right` is the
right value, and `v` has all quantities. A change with `?` stands for two changes, with `a` and with `c` in
its place. The words `above`, `forward` and `backward` restrict a change to the layers above the first, or to
one direction. A line with `<g>`, `<gate>` or `<the gate>` stands for a line for each gate.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from oracle.faults.equations import Equations
from oracle.faults.fault import Fault, engine
from oracle.faults.layer_equations import backward_steps, forward_steps, full_lengths, in_order, state_after
from oracle.layout import LAYOUTS
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
"""`ALL` are the four functions, and `EVERY` the four functions and the layers."""

ARGUMENTS: Mapping[str, str] = {
    "given": "array",
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
"""The arguments of the equations that are not functions of all quantities."""

GATES = {"i": "update", "f": "forget", "c": "candidate", "o": "output"}
THE = {"i": "the update gate", "f": "the forget gate", "c": "the candidate", "o": "the output gate"}
ORDERS: dict[str, str] = {}
for framework, layout in LAYOUTS.items():
    ORDERS.setdefault(layout.gates, framework)
"""Gate orders in the letters of the specification, each with the first framework that has it."""

_PLACES: Mapping[str, Callable[[Any], bool]] = {
    "above": lambda v: v.layer > 0,
    "forward": lambda v: v.direction == 0,
    "backward": lambda v: v.direction == 1,
}

MASKED = (
    "order = through_the_padding | last = full_lengths"
    " | a_out = np.where(order[:, t] < ends, right, a_prev)"
    " | c_next = np.where(order[:, t] < ends, right, c_prev)"
)
"""A right way to use lengths: a direction computes all steps of x, and holds its states in the padding."""


def mistakes(table: str, **names: Any) -> list[Fault]:
    """The mistakes of a table, in order, with the names that its expressions use."""
    found: list[Fault] = []
    functions, group = FUNCTIONS, ""
    rights: Equations = {}
    for line in filter(None, re.sub(r"\n +\| ", " | ", table).splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
            continue
        if not line.startswith(" "):
            functions = tuple(FUNCTIONS_OF.get(line, [line]))
            rights = engine(CONTRACTS[functions[-1]]).SPECIFICATION["lstm"]
            continue
        for g in GATES if "<g" in line else "i":
            of_gate = line.replace("<g>", g).replace("<gate>", GATES[g]).replace("<the gate>", THE[g])
            name, sentence, *changes = of_gate.strip().split(" | ")
            wrong: dict[str, Callable[..., Any]] = {}
            for change in changes:
                for letter in "ac" if "?" in change else "a":
                    wrong.update(_change(change.replace("?", letter), rights, {**NAMES, **names}))
            found.append(Fault(name, group, sentence, dict.fromkeys(functions, wrong)))
    return found


def _change(change: str, rights: Equations, names: dict[str, Any]) -> Equations:
    """The changed equation by the name of its quantity."""
    left, _, text = change.partition(" = ")
    *place, quantity = left.split()
    right = rights.get(quantity)
    wrong = _equation(quantity, text, right, names)
    if not (place and right):
        return {quantity: wrong}
    is_here = _PLACES[place[0]]
    return {quantity: lambda v: (wrong if is_here(v) else right)(v)}


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


# The names that expressions use.


def each(p: Mapping[str, Array], transform: Callable[[Array], Array], *names: str) -> dict[str, Array]:
    """The parameters, with the named ones transformed that exist, or all without names."""
    return {**p, **{name: transform(p[name]) for name in names or p if name in p}}


def gates_read(p: Mapping[str, Array], order: str, stacked: str, parts: str = "Wb") -> dict[str, Array]:
    """The parameters, with each gate in `order` read from the gate at its place in `stacked`."""
    return {**p, **{part + g: p[part + h] for g, h in zip(order, stacked, strict=True) for part in parts}}


def a_weights_transposed(p: Mapping[str, Array], gates: str = "ifco") -> dict[str, Array]:
    """The parameters, with the columns of the weights transposed that act on a_prev."""
    names = {"Waa", *(f"W{gate}" for gate in gates)} & p.keys()
    squares = ((name, p[name], len(p.get("Wp", p[name]))) for name in names)
    return {**p, **{name: np.hstack([W[:, :n_h].T, W[:, n_h:]]) for name, W, n_h in squares}}


def by_columns(W: Array) -> Array:
    """An array of W's shape, with the entries of W in row order written column by column."""
    return W.reshape(W.shape[::-1]).T


def exchanged(names: Sequence[str], one: str, other: str) -> list[str]:
    """The names, with two of them exchanged."""
    return [{one: other, other: one}.get(name, name) for name in names]


def through_the_padding(v: Any) -> Array:
    """All steps of x for each sample, `(m, T_x)`, in the order of the direction."""
    return backward_steps(v, full_lengths(v)) if v.direction else forward_steps(v)


def halves(output: Array, D: int, change: Callable[[Array, Array], Sequence[Array]]) -> Array:
    """The output of a bidirectional layer, with its halves replaced by `change(forward, backward)`."""
    return np.concatenate(change(*np.split(output, 2))) if D == 2 else output


NAMES: Mapping[str, Any] = {
    "np": np,
    **{
        function.__name__: function
        for function in (sigmoid, softmax, each, gates_read, a_weights_transposed, by_columns, exchanged)
    },
    **{
        function.__name__: function
        for function in (forward_steps, full_lengths, through_the_padding, in_order, state_after, halves)
    },
}

"""The words for equations, forms and conditions, from which `sentences` makes lines."""

from collections.abc import Mapping

from reference.contract import CONTRACTS

STATEMENTS: Mapping[str, str] = {
    "xt": "xt = x of this step",
    "a_prev": "a_prev = a of the step before",
    "c_prev": "c_prev = c of the step before",
    "ft": "ft = sigmoid(Wf [a_prev; xt] + bf)",
    "it": "it = sigmoid(Wi [a_prev; xt] + bi)",
    "cct": "cct = tanh(Wc [a_prev; xt] + bc)",
    "ot": "ot = sigmoid(Wo [a_prev; xt] + bo)",
    "c_next": "c_next = ft * c_prev + it * cct",
    **{f"cached {name}": f"cached {name} = {name} of its step" for name in CONTRACTS["lstm_forward"].cache},
    **{f"returned {state}": f"returned {state} = {state}_next of each step" for state in "ac"},
}
"""The equations in the symbols of the specification."""
_OWN = "a layer or direction does not start from its own"
_LAST = "is not the last {} state of each layer and direction"
OF_NETWORKS: Mapping[str, str] = {
    **dict.fromkeys(("lengths", "ends"), "the lengths are not used as they are given"),
    "below": "the first layer does not read x as it is given",
    "between": "a layer does not read the hidden states of the layer below",
    "begin": f"{_OWN} initial states",
    **dict.fromkeys(("a0", "a_first", "a_begin"), f"{_OWN} a0"),
    **dict.fromkeys(("c0", "c_first", "c_begin"), f"{_OWN} c0"),
    "p": "a layer or direction does not use its own parameters",
    "activation": "a layer or direction does not use the activation that is given",
    **dict.fromkeys(
        ("order", "read"),
        "the backward direction does not read each sequence from its last step to its first",
    ),
    "hidden": "the states of the backward direction are not put back in the order of time",
    "joined": "the hidden states of two directions are not stacked as [forward; backward]",
    "padded": "a is not 0 after the end of a sequence",
    "top": "a is not the hidden states of the top layer",
    "last": "the last states are not those after the last step of each sequence",
    **dict.fromkeys(("a_end", "a_last"), f"a_last {_LAST.format('hidden')}"),
    **dict.fromkeys(("c_end", "c_last"), f"c_last {_LAST.format('memory')}"),
}
"""What is wrong if an equation of `oracle.faults.layer_equations` is changed."""
SETTINGS: Mapping[str, str] = {
    "backward": "in a backward direction",
    "beside a backward direction": "in the forward direction of two",
    "above": "in a layer above another",
    "above two others": "in a layer above two others",
    "ended": "where some sequences end before T_x",
    "projected, as many": "with a projection to n_a units",
    "projected, fewer": "with a projection",
    "relu": "with relu",
}
MAPS: Mapping[str, str] = {
    "step back": "of the step {by} before",
    "step back, at least the first": "of the step {by} before, at first of step 0",
    "first step": "of step 0",
    "last step": "of the last step",
    "first sample": "of sample 0",
    "sample of the first block": "of sample k mod {by} for sample k",
    "unit back": "of the unit before",
    "transposed": "transposed",
    "steps and units exchanged": "with steps and rows exchanged",
    "steps and samples exchanged": "with steps and samples exchanged",
    "(samples, steps) as (steps, samples)": "written as (samples, steps), read as (steps, samples)",
    "(steps, samples) as (samples, steps)": "written as (steps, samples), read as (samples, steps)",
    "along the samples": "used as a row: one number for each sample, and not for each unit",
    "without the rows that blocks leave": "without its last rows, those that blocks of {by} leave over",
}
FUNCTIONS: Mapping[str, str] = {
    "zero": "0",
    "one": "1",
    "one minus": "1 - {v}",
    "float32": "{v} rounded to float32",
    "float16": "{v} rounded to float16",
    "bfloat16": "{v} rounded to bfloat16",
    "bfloat16, cut": "{v} cut to bfloat16",
    "constant": "{k}",
    "clipped": "{v} clipped at ±{k}",
    "between": "{v} clipped to [{k}, 1 - {k}]",
    "times": "{k} times {v}",
    "plus": "{v} + {k}",
    "multiples": "{v} rounded to multiples of {k}",
}
SIZES: Mapping[str, str] = {"n_a + n_x": "(n_a + n_x)"}
COUNTS: Mapping[str, str] = {"unit": "n", "sample": "m", "step": "T_x"}

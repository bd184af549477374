"""Renders a location in at most three lines of at most 120 characters. No code reads these lines."""

from collections.abc import Mapping

from oracle.faults import sentence
from oracle.location.facts import Condition, Feature, Location, Replacement, When, Where
from oracle.location.features import AXIS_SIZES
from oracle.location.how import replacement_for_gate
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
"""The equations in the symbols of the specification, by the node that they compute."""
_OWN = "a layer or direction does not start from its own"
_LAST = "is not the last {} state of each layer and direction"
NETWORK_TEXTS: Mapping[str, str] = {
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
"""What is wrong if an equation is changed, by its name in `oracle.network.layers`."""
SETTING_TEXTS: Mapping[str, str] = {
    "backward": "in a backward direction",
    "beside a backward direction": "in the forward direction of two",
    "above": "in a layer above another",
    "above two others": "in a layer above two others",
    "ended": "if some sequences end before T_x",
    "projected, as many": "with a projection to n_a units",
    "projected, fewer": "with a projection",
    "relu": "with relu",
}
MAP_TEXTS: Mapping[str, str] = {
    "step back": "of step t - {by}",
    "step back, at least the first": "of step t - {by}, or of step 0 if t < {by}",
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
    "along the samples": "used as a row (one number for each sample)",
    "without the rows that blocks leave": "with 0 in the rows after the last whole block of {by} rows",
}
FUNCTION_TEXTS: Mapping[str, str] = {
    "zero": "0",
    "one": "1",
    "integer": "{v} rounded to a whole number",
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
MOST_CHARACTERS = 120
"""The largest number of characters in a line."""


def lines(location: Location) -> list[str]:
    """The lines `where: …`, `when: …` and `how: …`, without the lines of unknown parts."""
    parts = {"where": _where(location.where)}
    if location.when is not None:
        parts["when"] = _when(location.when)
    if location.how is not None:
        parts["how"] = _how(location.how, location.where)
    every = [f"{name}: {text}" for name, text in parts.items()]
    return [line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…" for line in every]


def _where(where: Where) -> str:
    if where.stage == "calls":
        return "the answer depends on earlier calls, or on chance"
    if where.stage == "network":
        if where.setting == ("absent",):
            return f"initial states that a call leaves out ({where.equation}) are not 0"
        if where.setting == ("absent alone",):
            return f"if a call leaves out only {where.equation}, this state is not 0"
    setting = ", ".join(SETTING_TEXTS[name] for name in where.setting)
    if where.stage == "network":
        text = NETWORK_TEXTS.get(where.equation, f"{where.equation} is wrong")
    elif where.also:
        text = f"{_listed([where.equation, *where.also])} are not what their equations give"
    else:
        text = f"{_statement(where)} does not hold"
    return f"{setting}: {text}" if setting else text


def _statement(where: Where) -> str:
    """The equation in the symbols of the specification."""
    name = where.equation
    if name == "a_next":
        if where.kind == "rnn":
            return f"a_next = {'relu' if 'relu' in where.setting else 'tanh'}(Waa a_prev + Wax xt + ba)"
        is_projected = any(each in where.setting for each in ("projected, as many", "projected, fewer"))
        return "a_next = Wp (ot * tanh(c_next))" if is_projected else "a_next = ot * tanh(c_next)"
    if name == "yt_pred":
        return f"yt_pred = softmax({'Wya' if where.kind == 'rnn' else 'Wy'} a_next + by)"
    return STATEMENTS.get(name, name)


def _when(when: When) -> str:
    if when.conditions:
        return " and ".join(map(_condition, when.conditions))
    return "wherever it changes a value" if when.has_unchanged else "always"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _condition(condition: Condition) -> str:
    feature, relation, value = condition.feature, condition.relation, _number(condition.value)
    name = f"({feature.name})" if "+" in feature.name else feature.name
    match feature.kind:
        case "size" | "index":
            return f"{name} {relation} {value}"
        case "equal":
            return feature.name if condition.value else feature.name.replace("=", "≠")
        case "bits":
            return {
                "=": f"in float{value}",
                "≥": f"in float{value} and wider",
                "≤": f"in float{value} and narrower",
            }.get(relation, f"not in float{value}")
        case "index from end":
            if relation == "=" and condition.value == 0:
                return f"in the last {name}"
            return f"{name} {relation} {value}, counted back from the last {name}"
        case "residue":
            return f"{name} mod {feature.by} {relation} {value}"
        case "in last block":
            is_in = "in" if condition.value else "not in"
            return f"{is_in} the last {AXIS_SIZES[name] or 'n'} mod {feature.by} {name}s"
        case "input repeats":
            verb = "equals" if condition.value else "differs from"
            return f"xt of all samples {verb} that of the step before"
        case _:
            return f"{_quantity(feature)} {relation} {value}"


def _quantity(feature: Feature) -> str:
    name = "xt" if feature.name == "x" else feature.name
    return {
        "value": name,
        "magnitude": f"|{name}|",
        "largest": f"the largest |{name}| of the sample",
        "largest of all": f"the largest |{name}| of all samples",
        "change": f"the largest change of {name} since the step before",
    }[feature.kind]


def _how(replacement: Replacement, where: Where) -> str:
    if replacement.mistake:
        only = f", for {replacement.source} alone" if replacement.source else ""
        return f"{sentence(replacement.mistake)}{only}"
    name, text = _node(replacement.node), _replacing_text(replacement)
    if replacement.node == where.equation:
        return text
    nodes = [_node(replacement_for_gate(replacement, where.equation, gate).node) for gate in where.also]
    likewise = f"; likewise {_listed(nodes)}" if nodes and name not in nodes else ""
    return f"{text} in place of {name}{likewise}"


def _node(name: str) -> str:
    return "z" if name in ("zf", "zi", "zc", "zo") else "[a_prev; xt]" if name == "concat" else name


def _replacing_text(replacement: Replacement) -> str:
    base = _node(replacement.node if replacement.source in ("", "shown") else replacement.source)
    if replacement.map:
        base = f"{base} {MAP_TEXTS[replacement.map].format(by=replacement.by)}"
    text = _applied(replacement, base) if replacement.function else base
    if replacement.other:
        sign, share = ("+", replacement.share) if replacement.share > 0 else ("-", -replacement.share)
        factor = "" if share == 1 else f"{_number(share)} times "
        text = f"{text} {sign} {factor}{_node(replacement.other)}"
    return text


def _applied(replacement: Replacement, base: str) -> str:
    if template := FUNCTION_TEXTS.get(replacement.function):
        return template.format(v=base, k=_number(replacement.number))
    return f"{replacement.function} of {base}" if replacement.map else replacement.function


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    power = next((k for k in range(4, 33) if value == 2.0**-k), None)
    return f"2^-{power}" if power else f"{value:.9g}"

"""Renders a location in at most three lines of at most 120 characters. No code parses the lines."""

from collections.abc import Mapping

from oracle.faults import sentence
from oracle.location.facts import Condition, Feature, Form, Location, Where
from oracle.location.how import for_gate
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
    "ended": "if some sequences end before T_x",
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


MOST = 120
"""The largest number of characters in a line."""


def lines(location: Location) -> list[str]:
    """The lines `where: …`, `when: …` and `how: …`, without the lines of unknown parts."""
    parts = {"where": _where(location)}
    if location.when is not None:
        parts["when"] = _when(location)
    if location.how is not None:
        parts["how"] = _how(location.how, location.where)
    said = [f"{name}: {text}" for name, text in parts.items()]
    return [line if len(line) <= MOST else f"{line[: MOST - 1]}…" for line in said]


def _where(location: Location) -> str:
    where = location.where
    if where.stage == "calls":
        return "the answer depends on earlier calls, or on chance"
    if where.stage == "network":
        if where.setting == ("absent",):
            return f"{where.equation} {_are(where.equation)} not 0 where not given"
        if where.setting == ("absent alone",):
            return f"{where.equation} is not 0 where it alone is not given"
    setting = ", ".join(SETTINGS[name] for name in where.setting)
    if where.stage == "network":
        said = OF_NETWORKS.get(where.equation, f"{where.equation} is wrong")
    elif where.also:
        names = [where.equation, *where.also]
        said = f"{', '.join(names[:-1])} and {names[-1]} are not what their equations give"
    else:
        said = f"{_statement(where)} does not hold"
    return f"{setting}: {said}" if setting else said


def _are(names: str) -> str:
    return "are" if " and " in names else "is"


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


def _when(location: Location) -> str:
    assert location.when is not None
    conditions = location.when.conditions
    if not conditions:
        return "wherever it changes a value" if location.when.has_unchanged else "always"
    return " and ".join(map(_condition, conditions))


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _condition(condition: Condition) -> str:
    feature, value = condition.feature, _number(condition.value)
    relation = condition.relation
    match feature.kind:
        case "size":
            return f"{SIZES.get(feature.name, feature.name)} {relation} {value}"
        case "equal":
            return feature.name if condition.value else feature.name.replace("=", "≠")
        case "bits":
            return {
                "=": f"in float{value}",
                "≥": f"in float{value} and wider",
                "≤": f"in float{value} and narrower",
            }.get(relation, f"not in float{value}")
        case "index":
            return f"{feature.name} {relation} {value}"
        case "index from end":
            if relation == "=" and condition.value == 0:
                return f"in the last {feature.name}"
            return f"{feature.name} {relation} {value}, counted from the last one back"
        case "residue":
            return f"{SIZES.get(feature.name, feature.name)} mod {feature.by} {relation} {value}"
        case "in last block":
            extent = COUNTS[feature.name]
            count = f"{extent} mod {feature.by}"
            return (
                f"in the last {count} {feature.name}s"
                if condition.value
                else f"not in the last {count} {feature.name}s"
            )
        case "input repeats":
            return (
                f"xt of all samples {'equals' if condition.value else 'differs from'} that of the step before"
            )
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


def _how(form: Form, where: Where) -> str:
    if form.mistake:
        return sentence(form.mistake) + (f", for {form.source} alone" if form.source else "")
    name = _node(form.node)
    replacement = _replacement(form)
    is_whole = form.node == where.equation
    if is_whole:
        return replacement
    nodes = [_node(for_gate(form, where.equation, gate).node) for gate in where.also]
    likewise = f"; likewise {_listed(nodes)}" if nodes and name not in nodes else ""
    return f"{replacement} in place of {name}{likewise}"


def _node(name: str) -> str:
    return "z" if name in ("zf", "zi", "zc", "zo") else "[a_prev; xt]" if name == "concat" else name


def _replacement(form: Form) -> str:
    base = _node(form.node if form.source in ("", "shown") else form.source)
    if form.map:
        base = f"{base} {MAPS[form.map].format(by=form.by)}"
    said = _applied(form, base) if form.function else base
    if form.other:
        sign, share = ("+", form.share) if form.share > 0 else ("-", -form.share)
        factor = "" if share == 1 else f"{_number(share)} times "
        said = f"{said} {sign} {factor}{_node(form.other)}"
    return said


def _applied(form: Form, base: str) -> str:
    template = FUNCTIONS.get(form.function)
    if template is None:
        return form.function if not form.map else f"{form.function} of {base}"
    return template.format(v=base, k=_number(form.number))


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    for numerator, power in ((1, k) for k in range(1, 33)):
        if value == numerator / 2**power and power > 3:
            return f"2^-{power}"
    return f"{value:.6g}"

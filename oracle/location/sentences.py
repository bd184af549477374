"""Renders a location in at most three lines of at most 120 characters. No code parses the lines."""

from oracle.faults import sentence
from oracle.location import words
from oracle.location.facts import Condition, Feature, Form, Location, Where
from oracle.location.how import for_gate

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
        return "the answer depends on earlier calls"
    if where.stage == "network":
        if where.setting == ("absent",):
            return f"{where.equation} {_are(where.equation)} not 0 where not given"
        if where.setting == ("absent alone",):
            return f"{where.equation} is not 0 where it alone is not given"
    setting = ", ".join(words.SETTINGS[name] for name in where.setting)
    if where.stage == "network":
        said = words.OF_NETWORKS.get(where.equation, f"{where.equation} is wrong")
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
    return words.STATEMENTS.get(name, name)


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
            return f"{words.SIZES.get(feature.name, feature.name)} {relation} {value}"
        case "equal":
            return feature.name if condition.value else feature.name.replace("=", "≠")
        case "bits":
            return {
                "=": f"in float{value}",
                "≥": f"in float{value} and wider",
                "≤": f"in float{value} and narrower",
            }.get(relation, f"not in float{value}")
        case "place":
            return f"{feature.name} {relation} {value}"
        case "from end":
            if relation == "=" and condition.value == 0:
                return f"in the last {feature.name}"
            return f"{feature.name} {relation} {value}, counted from the last one back"
        case "residue":
            return f"{words.SIZES.get(feature.name, feature.name)} mod {feature.by} {relation} {value}"
        case "tail":
            extent = words.COUNTS[feature.name]
            count = f"{extent} mod {feature.by}"
            return (
                f"in the last {count} {feature.name}s"
                if condition.value
                else f"not in the last {count} {feature.name}s"
            )
        case "repeats":
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
        "moved": f"the largest change of {name} since the step before",
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
        base = f"{base} {words.MAPS[form.map].format(by=form.by)}"
    said = _applied(form, base) if form.function else base
    if form.other:
        sign, share = ("+", form.share) if form.share > 0 else ("-", -form.share)
        factor = "" if share == 1 else f"{_number(share)} times "
        said = f"{said} {sign} {factor}{_node(form.other)}"
    return said


def _applied(form: Form, base: str) -> str:
    template = words.FUNCTIONS.get(form.function)
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

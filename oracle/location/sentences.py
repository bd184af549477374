"""A location in words: at most three lines, each of at most 120 characters. Nothing reads them."""

from oracle.location import words
from oracle.location.facts import Condition, Feature, Form, Location, Where
from oracle.location.how import of_gate

MOST = 120


def lines(location: Location) -> list[str]:
    """`where: …`, and what is known of `when: …` and `how: …`."""
    parts = {"where": _where(location), **_rest(location)}
    said = [f"{name}: {text}" for name, text in parts.items()]
    return [line if len(line) <= MOST else f"{line[: MOST - 1]}…" for line in said]


def phrases(location: Location) -> list[str]:
    """When and how, as far as they are known, to go on a sentence with."""
    return [*_rest(location).values()]


def _rest(location: Location) -> dict[str, str]:
    said = {}
    if location.when is not None:
        said["when"] = _when(location)
    if location.how is not None:
        said["how"] = _how(location.how, location.where)
    return said


def _where(location: Location) -> str:
    where = location.where
    if where.stage == "calls":
        return "the answer depends on an earlier call"
    if where.stage == "network":
        if where.setting == ("absent",):
            return f"{where.equation}, where not given, {_are(where.equation)} not taken for 0"
        if where.setting == ("absent alone",):
            return f"{where.equation}, where it alone is not given, is not taken for 0"
        if where.equation == "parameters" and location.how and location.how.source:
            return f"a layer or direction does not use its own {location.how.source}"
        return words.OF_NETWORKS.get(where.equation, f"{where.equation} is wrong")
    setting = ", ".join(words.SETTINGS[name] for name in where.setting)
    if where.also:
        names = [where.equation, *where.also]
        said = f"{', '.join(names[:-1])} and {names[-1]} are not what their equations give"
    else:
        said = f"{_statement(where)} does not hold"
    return f"{setting}: {said}" if setting else said


def _are(names: str) -> str:
    return "are" if " and " in names else "is"


def _statement(where: Where) -> str:
    """The equation, in words that the author of a program knows."""
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
    if location.where.stage == "calls":
        names = [c.feature.name for c in conditions]
        return f"after another call{f' with the same {_listed(names)}' if names else ''}"
    return " and ".join(_condition(each) for each in conditions) or "always"


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
            extent = words.EXTENTS[feature.name]
            count = f"{extent} mod {feature.by}"
            return (
                f"in the last {count} {feature.name}s"
                if condition.value
                else f"not in the last {count} {feature.name}s"
            )
        case "network":
            return _of_network(condition)
        case "any zero":
            return f"{'some' if condition.value else 'no'} number of {feature.name} is 0"
        case "arranged":
            return words.ARRANGED[feature.name]
        case _:
            return (
                f"{_quantity(feature)} {relation} {value}"
                if feature.kind not in ("repeats", "repeats earlier")
                else _repeats(condition)
            )


def _repeats(condition: Condition) -> str:
    which = "the step before" if condition.feature.kind == "repeats" else "an earlier step"
    return f"xt of all samples {'equals' if condition.value else 'differs from'} that of {which}"


def _quantity(feature: Feature) -> str:
    name = "xt" if feature.name == "x" else feature.name
    return {
        "value": name,
        "magnitude": f"|{name}|",
        "largest": f"the largest |{name}| of the sample",
        "largest of all": f"the largest |{name}| of all samples",
        "moved": f"the largest change of {name} since the step before",
    }[feature.kind]


def _of_network(condition: Condition) -> str:
    name = condition.feature.name
    if name in ("layers", "directions"):
        return f"{name} {condition.relation} {_number(condition.value)}"
    told = {
        "any length < T_x": ("a sequence ends before T_x", "no sequence ends before T_x"),
        "all lengths < T_x": ("all sequences end before T_x", "some sequence has T_x steps"),
        "the lengths are equal": ("all lengths are equal", "the lengths differ"),
        "another is longer than the first": (
            "another sequence is longer than the first",
            "the first is the longest",
        ),
        "the last has T_x steps": (
            "the last sample has T_x steps",
            "the last sample has fewer than T_x steps",
        ),
        "the first has T_x steps": (
            "the first sample has T_x steps",
            "the first sample has fewer than T_x steps",
        ),
        "lengths are given": ("lengths are given", "lengths are not given"),
    }[name]
    return told[0 if condition.value else 1]


def _how(form: Form, where: Where) -> str:
    if where.stage == "calls":
        if form.source == "last states":
            return f"{form.node} are the last states of {form.map}"
        names = form.source.split(", ")
        return f"{_listed(names)} of {form.map} {'are' if len(names) > 1 else 'is'} used"
    if where.stage == "network":
        return _how_network(form, where)
    if form.node == "sigmoid":
        return (
            f"{_applied(form, 'z')} in place of z"
            if not form.source
            else f"{_applied(form, 'z')} in place of sigmoid(z)"
        )
    name = _node(form.node)
    replacement = _replacement(form)
    is_whole = form.node == where.equation
    if is_whole:
        return replacement
    nodes = [_node(of_gate(form, where.equation, gate).node) for gate in where.also]
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
    if form.source in ("products", "Wc concat", "Wf concat", "Wi concat", "Wo concat"):
        return f"{form.other} added after the {form.function}, not before"
    return said


def _applied(form: Form, base: str) -> str:
    template = words.FUNCTIONS.get(form.function)
    if template is None:
        return form.function if not form.map else f"{form.function} of {base}"
    return template.format(v=base, k=_number(form.number))


def _how_network(form: Form, where: Where) -> str:
    if form.node == "lengths":
        whose = {
            "": "",
            "layers above": " in the layers above the first",
            "backward": " in the backward direction",
            "forward": " in the forward direction",
        }
        return f"{words.LENGTHS[form.map].format(by=form.by)}{whose[form.source]}"
    if where.setting and form.map == "zero":
        return f"{form.node} is taken for 0, too"
    if form.map in words.MAPS:
        return f"it is read {words.MAPS[form.map].format(by=form.by)}"
    return words.NETWORKS.get(form.map, form.map)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    for numerator, power in ((1, k) for k in range(1, 33)):
        if value == numerator / 2**power and power > 3:
            return f"2^-{power}"
    return f"{value:.6g}"

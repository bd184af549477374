"""All words about a failure: of the claims about it, and of its facts. No code reads these words."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite, isinf
from typing import Any

from oracle.network.equations import GATES
from oracle.witnesses.verdict import Facts
from reference.contract import Kind

MOST_CHARACTERS = 120
"""The largest number of characters in a line of a location."""


def lines(kind: str, facts: Facts) -> list[str]:
    """The text of a claim of a kind with these facts, in lines."""
    text = TEXTS[kind](**facts)
    return [text] if isinstance(text, str) else text


def _mistake(
    names: Sequence[str], state: str = "", when: Sequence[Mapping[str, Any]] | None = ()
) -> list[str]:
    from oracle.faults import sentence  # a run without a failure does not need the catalogue

    text = ", and ".join(map(sentence, names)) + (f", for {state} alone" if state else "")
    if when is None:
        return [f"{text}, but not always"]
    return [text, f"when: {_when(when)}"] if when else [text]


def _raised(type: str, text: str = "", at: str = "") -> str:
    return f"{type}: {text}".rstrip(": ") + (f", at {at}" if at else "")


def _lacking(what: str, detail: str = "", function: str = "", expected: str = "", target: str = "") -> str:
    """Why a function cannot be judged. With a `target`, the text is a whole sentence."""
    if what == "missing":
        return f"{target} has no {function}{detail}".strip()
    if what == "signature":
        return f"{detail or 'a function'} does not take the arguments{expected and f' ({expected})'}"
    if what == "unfinished":
        of_target = f" of {target}" if target else ""
        return f"{function or 'a function'}{of_target} is not finished{detail and f': {detail}'}"
    return detail or "a function cannot be judged"


def _digits(digits: int = 0, outputs: Sequence[str] = ()) -> str:
    which = f"{', '.join(outputs)}: " if outputs else ""
    if not digits:
        return f"{which}right to some digits only"
    as_if = ", as if a part were in float32, or an epsilon added" if 5 <= digits <= 8 else ""
    return f"{which}right to {digits} digits only ({digits} decimals below 1){as_if}"


def _subnormals(all: bool) -> str:
    if all:
        return "subnormal numbers are flushed to zero"
    return "subnormal numbers are wrong; perhaps some of them are flushed to zero"


def _traces(
    outputs: Sequence[Sequence[str]],
    right: Sequence[str] | None = None,
    sometimes: Sequence[str] = (),
    here: Sequence[Sequence[str]] = (),
    unless: Mapping[str, int] | None = None,
) -> list[str]:
    always = [each for each in outputs if each[0] not in sometimes]
    others = [each for each in outputs if each[0] in sometimes]
    listed, also, only = (
        ", ".join(f"{name} ({place})" if place else name for name, place in each)
        for each in (always, others, here)
    )
    are_ordinary = right is not None and ORDINARY not in right
    what = "wrong on ordinary problems" if are_ordinary else "wrong outputs"
    on_some = "on some of these also" if listed else "wrong on some ordinary problems"
    cases = (
        f"right {', or '.join(RIGHT_CASES.get(case, f'if {case} is 0') for case in right)}" if right else ""
    )
    if unless:
        values = " or ".join(f"{name} = {value}" for name, value in unless.items())
        cases = f"right on the ordinary problems that were tried, unless {values}"
    labelled = {what: listed, on_some: also, "in this problem": only}
    return [*(f"{label}: {text}" for label, text in labelled.items() if text), *([cases] if cases else [])]


ORDINARY = "ordinary problems"
"""The case of a function that is right on the ordinary problems that were tried; their numbers are near 1."""

RIGHT_CASES: Mapping[str, str] = {
    ORDINARY: "on the problems with random numbers near 1 that were tried",
    "lengths": "without lengths",
    "steps": "if T_x = 1",
    "samples": "if m = 1",
    "projection": "without a projection",
    "units": "if n_a = 1",
    "layers": "in one layer",
    "directions": "in one direction",
    "layers and directions": "in one layer in one direction",
    "relu": "with tanh",
    "tanh": "with relu",
    "states": "if the initial states are 0",
    "biases": "if all biases are 0",
}
"""The cases of `wrong_outputs.CASES` in words, but those in which one array is 0."""


def _helper(functions: Sequence[str], told: Facts | None = None) -> str:
    what = f": {'; '.join(lines(**told))}" if told else ""
    return f"by {' and '.join(functions)}, which the course gives{what}"


def _beside_cell(told: Facts, cell: str = "cell") -> list[str]:
    return [f"with a right {cell} in place of its own: {text}" for text in lines(**told)]


def _location(
    where: Sequence[str],
    network: Kind,
    setting: str,
    returned: bool,
    when: Sequence[Mapping[str, Any]] | None,
    how: Mapping[str, Any] | None,
    shown: Sequence[str],
    besides: Sequence[str] = (),
    cached: Sequence[str] = (),
) -> list[str]:
    from oracle.explanations import formulas  # only runs with a failure need them

    first, *also = where
    relu = "relu" if setting == "relu" else "tanh"
    place = f"{SETTINGS[setting]}: " if setting else ""
    if returned:
        equation = f"returned {first[0]} = {first} of each step does not hold"
    elif cached:
        are = "is" if len(cached) == 1 else "are"
        equation = f"{first} follows from the cached {_listed(cached)}, which {are} wrong"
    elif also and len({*where} & {*GATES.values()}) == len(where):
        equation = f"not all of {_listed(where)} are what their equations give"
    else:
        equation = f"{formulas.equation_of(first, network, relu)} does not hold"
    parts = [f"where: {place}{equation}"]
    if when is not None:
        parts.append(f"when: {_when(when) if when else 'wherever it changes a value'}")
    if how is not None:
        parts.append(f"how: {_how(how, where)}")
    if len(besides) == 1:
        parts.append(f"besides: {formulas.equation_of(besides[0], network, relu)} does not hold, either")
    elif besides:
        parts.append(f"besides: not all of {_listed(besides)} are what their equations give")
    return [line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…" for line in parts]


def _misreading(
    network: Kind,
    equation: str,
    operand: str = "",
    instead: str = "",
    exchanged: bool = False,
    later: int = 0,
    without: str = "",
) -> list[str]:
    from oracle.explanations import formulas  # only runs with a failure need them
    from oracle.network.backward import equations_back

    named = partial(formulas.backward_name, network)
    taken, replaced = named(instead), named(operand)
    if without:
        how = f"without the part of the {without} step"
    elif later:
        how = f"{replaced} of step t {'-+'[later > 0]} {abs(later)} in place of {replaced}"
    elif equations_back(network)[equation].operation == "tanh_slope" and instead.isdecimal():
        how = f"{1 - int(instead)} in its place"  # the slope of a result that is 0 or 1
    else:
        how = f"{replaced} and {taken} are exchanged" if exchanged else f"{taken} in place of {replaced}"
    formula, name = formulas.backward_formula(network, equation), named(equation)
    where = f"the expression {formula} is wrong" if name == formula else f"{name} = {formula} does not hold"
    return [f"where: {where}", f"how: {how}"]


SETTINGS: Mapping[str, str] = {
    "backward": "in a backward direction",
    "forward of two": "in the forward direction of two",
    "of two": "in a layer of two directions",
    "above": "in a layer above another",
    "forward of two above": "in the forward direction of two, in a layer above another",
    "of two above": "in a layer of two directions, above another",
    "backward above": "in a backward direction, in a layer above another",
    "tanh": "with tanh",
    "relu": "with relu",
    "projected": "with a projection",
    "projected to n_a": "with a projection to n_a units",
}


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _when(conditions: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(_condition(**each) for each in conditions)


def _condition(kind: str, name: str, relation: str, number: float, by: int = 0) -> str:
    value = _number(number)
    match kind:
        case "equal":
            return name if number else name.replace("=", "≠")
        case "bits":
            return {
                "=": f"in float{value}",
                "≥": f"in float{value} and wider",
                "≤": f"in float{value} and narrower",
            }.get(relation, f"not in float{value}")
        case "from end":
            if relation == "=" and number == 0:
                return f"in the last {name}"
            return f"{name} {relation} {value}, counted back from the last {name}"
        case "residue":
            return f"{name} mod {by} {relation} {value}"
        case "last block":
            size = {"unit": "n", "sample": "m", "step": "T_x"}[name]
            return f"{'in' if number else 'not in'} the last {size} mod {by} {name}s"
        case "magnitude":
            return f"|{name}| {relation} {value}"
        case "largest":
            return f"the largest |{name}| of the sample {relation} {value}"
    return f"{name} {relation} {value}"


def _how(how: Mapping[str, Any], where: Sequence[str]) -> str:
    from oracle.explanations.changes import Replacement, for_gate  # only runs with a failure need them

    replacement = Replacement(**how)
    first, *also = where
    name, text = _node(replacement.node), _replacing_text(replacement)
    if replacement.node == first and name in text:  # such as "c_next clipped at ±10"
        return text
    nodes = [_node(for_gate(replacement, first, gate).node) for gate in also if gate in GATES.values()]
    likewise = f"; likewise {_listed(nodes)}" if nodes and name not in nodes else ""
    return f"{text} in place of {name}{likewise}"


def _node(name: str) -> str:
    return "z" if name in ("zf", "zi", "zc", "zo") else "[a_prev; xt]" if name == "concat" else name


MAPS: Mapping[str, str] = {
    "step back": "of step t - {by}",
    "step back, at least the first": "of step t - {by}, or of step 0 if t < {by}",
    "step ahead": "of step t + {by}, or of the last step",
    "first step": "of step 0",
    "last step": "of the last step",
    "first sample": "of sample 0",
    "samples and rows exchanged": "with samples and rows exchanged",
    "unit back": "of the unit before",
    "transposed": "transposed",
    "along the samples": "used as a row (one number for each sample)",
    "without the rows that blocks leave": "with 0 in the rows after the last whole block of {by} rows",
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
    "at most": "{v} limited to at most {k}",
    "at least": "{v} limited to at least {k}",
    "clipped to [k, 1 - k]": "{v} clipped to [{k}, 1 - {k}]",
    "times": "{k} times {v}",
    "plus": "{v} {sign} {k}",
    "added": "{node} {sign} {factor}{v}",
    "mixed": "{rest} {node} + {k} {v}",
    "multiplied": "{node} * {v}",
}


def _replacing_text(replacement: Any) -> str:
    text: str = _node(replacement.source or replacement.node)
    if replacement.map:
        text = f"{text} {MAPS[replacement.map].format(by=replacement.by)}"
    if not replacement.function:
        return text
    number, sign = replacement.number, "+-"[replacement.number < 0]
    if template := FUNCTIONS.get(replacement.function):
        k = _number(abs(number) if "{sign}" in template else number)
        factor = "" if k == "1" else f"{k} "
        rest = _number(1 - number)
        return template.format(v=text, k=k, rest=rest, factor=factor, sign=sign, node=_node(replacement.node))
    if "z" in replacement.function:  # a formula of the argument
        return str(replacement.function)
    return f"{replacement.function}({text})"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else f"{value:.9g}"


TEXTS: Mapping[str, Callable[..., str | list[str]]] = {
    "mistake": _mistake,
    "raised": _raised,
    "died": lambda reason="the process died", at="", stderr="": reason,
    "form": lambda text="it returns something else than the function must return": text,
    "lacking": _lacking,
    "two answers": lambda: "two calls with equal arguments give different answers",
    "earlier calls": lambda again="alone": (
        f"{again} it is right: the answer depends on earlier calls, or on chance"
    ),
    "order of parameters": lambda: "the answer depends on the order of the parameters in their dict",
    "overwrites": lambda arrays=("arrays",): (
        f"a later call overwrites the {' and '.join(arrays)} of an earlier call"
    ),
    "writes": lambda arguments=("its arguments",): f"it writes to {', '.join(arguments)}",
    "stated gates": lambda stated, fits: f"the gates are in the order {fits}, not {stated} as --gates states",
    "digits": _digits,
    "subnormals": _subnormals,
    "location": _location,
    "misreading": _misreading,
    "cached": lambda entries: "; ".join(f"the cached {name} is {what}" for name, what in entries),
    "nearly": lambda: "the numbers that are wrong are too small to tell which mistake it is",
    "second call": lambda: (
        "an ordinary call on this problem is right, and the second call of this law is wrong, also alone"
    ),
    "only in this law": lambda statement="": [
        "an ordinary call on this problem is right, and the call that this law makes is wrong, "
        "also as the first call of a process",
        *([f"the law: {statement}"] if statement else []),
    ],
    "right in": lambda dtype, wrong_in: f"on this problem it is right in {dtype}, and not in {wrong_in}",
    "traces": _traces,
    "broke": lambda error: f"the search for the mistake failed, please report it: {error}",
    "no time": lambda: "the time to search for the mistake was up, since calls take long",
    "unknown": lambda: "nothing is known about it",
    "harness broke": lambda: "the harness broke, please report it",
    "helper": _helper,
    "beside cell": _beside_cell,
}
"""The text of each kind of claim, as a line or as lines. A fact with a default may be absent."""

LARGEST_ULP = 1e4
"""The largest error in ulp that is shown."""

_LAYOUTS = {
    "fortran": "all arguments are in Fortran order",
    "strided": "all arguments have a gap after each element",
    "reversed": "all arguments have negative strides",
    "read-only": "all arguments are read-only",
    "swapped": "all arguments are in the other byte order",
}
"""The memory layout of all arguments of a call, in words."""


def texts_of_facts(facts: Facts) -> dict[str, str]:
    """The text of each fact, by label."""
    texts = {}
    for name, fact in facts.items():
        label = fact["asked"] if name == "again" else "call" if name == "died" else name.replace("_", " ")
        texts[label] = _text_of(name, fact)
    if "again" in facts:
        texts["wrong"] += ": its two answers must agree"
    return texts


def _text_of(name: str, fact: Any) -> str:
    if name == "layout":
        return _LAYOUTS[fact]
    return _RENDERERS[name](fact) if isinstance(fact, (Mapping, list)) else str(fact)


def _element(fact: Facts) -> str:
    network = f" of {fact['network']}" if "network" in fact else ""
    if "index" in fact:
        return f"{fact['name']}{fact['index']}{network}"
    step = f", step {fact['step']}" if "step" in fact else ""
    return f"{fact['name']}[{fact['row']}, sample {fact['sample']}{step}]{network}"


def _allowed(fact: Facts) -> str:
    if "difference" in fact:
        distance = f"a difference of {float(fact['difference']):.2g}"
    else:
        distance = f"{float(fact['error']):.2g} from the exact value"
    return f"{distance}, by rounding in {fact['dtype']}"


def _off_by(fact: Facts) -> str:
    bounds, ulp = float(fact["bounds"]), float(fact["ulp"])
    if isinf(bounds):  # the bound is 0, or the answer is not finite
        return (
            f"{ulp:.2g} ulp, where no error is allowed" if isfinite(ulp) else "more than any rounding error"
        )
    times = f"{bounds:.2g} times that"
    return f"{times}, {ulp:.2g} ulp" if ulp < LARGEST_ULP else times


def _wrong(who: Sequence[str]) -> str:
    if len(who) == 2:
        return "both the implementation and torch"
    if not who:
        return "neither: both are within the bound, so the bound is at fault; please report it"
    return who[0] if who[0] == "torch" else f"the {who[0]}"


_RENDERERS: Mapping[str, Callable[[Any], str]] = {
    "element": _element,
    "exact": lambda fact: f"{fact['digits']}{', one step from its own state' if 'own' in fact else ''}",
    "again": lambda fact: str(fact["value"]),
    "expected": lambda fact: f"{fact['value']}{fact['from']}",
    "allowed": _allowed,
    "off_by": _off_by,
    "wrong": _wrong,
    "extent": lambda fact: f"{fact['wrong']} of {fact['of']} elements of {fact['name']}",
    "raised": lambda fact: f"{fact['type']}: {fact['text']}",
}
"""The function that renders each fact with several parts, by the name of the fact."""

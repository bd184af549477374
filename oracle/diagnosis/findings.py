"""Facts of a violation and findings about a failure: data, and their texts for the terminal and reports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isinf, isnan
from typing import Any

from oracle.witnesses.verdict import Facts


@dataclass(frozen=True)
class Finding:
    """One finding about a failure: its kind, a key of `_WORDS`, and the facts of that kind."""

    kind: str
    facts: Facts

    @classmethod
    def of(cls, kind: str, **facts: Any) -> "Finding":
        """The finding of a kind with these facts."""
        return cls(kind, facts)

    @property
    def words(self) -> str:
        """The text of the finding."""
        return _WORDS[self.kind](**self.facts)

    @property
    def without_place(self) -> "Finding":
        """The finding without its place in a file, so that findings of several functions can be equal."""
        return Finding(self.kind, {name: fact for name, fact in self.facts.items() if name != "at"})

    @property
    def lines(self) -> Sequence[str]:
        """The text in lines."""
        return self.facts["lines"] if self.kind == "location" else [self.words]

    @property
    def title(self) -> str:
        """The title of the mistake in reports."""
        if self.kind == "unknown":
            return "an unknown mistake"
        return f"an unknown mistake: {self.words}" if self.is_vague else self.words

    @property
    def remedies(self) -> list[str]:
        """How to mend the mistakes of the catalogue, a line for each that needs one."""
        if self.kind != "mistake":
            return []
        from oracle.faults import remedy  # a run without a failure does not need the catalogue

        return [line for name in self.facts["names"] if (line := remedy(name))]

    @property
    def is_mistake(self) -> bool:
        """Whether the finding names a mistake, and not only its effects."""
        return self.kind in _MISTAKES

    @property
    def is_vague(self) -> bool:
        """Whether different mistakes can have this finding."""
        return self.kind in _VAGUE

    @property
    def cause(self) -> str:
        """A key that findings with the same cause have in common; numbers and places do not matter."""
        return repr((self.kind, _without_numbers(_CAUSE.get(self.kind, dict)(self.facts))))

    @property
    def equation_or_cause(self) -> str:
        """A key that all locations in the same equation have in common; for other findings, `cause`."""
        return repr(_without_numbers(self.facts["where"])) if self.kind == "location" else self.cause


def mistake(*names: str) -> Finding:
    """The finding of one mistake of the catalogue, or of several mistakes at once."""
    return Finding.of("mistake", names=[*names])


def _mistake(names: Sequence[str]) -> str:
    from oracle.faults import sentence  # a run without a failure does not need the catalogue

    return ", and ".join(map(sentence, names))


def _raised(type: str, text: str, at: str = "") -> str:
    return f"{type}: {text}" + (f", at {at}" if at else "")


def _lacking(what: str, detail: str, function: str = "", expected: str = "", target: str = "") -> str:
    """Why a function cannot be judged. With a `target`, the text is a whole sentence."""
    if what == "missing":
        return f"{target} has no {function}{detail}".strip()
    if what == "signature":
        return f"{detail} does not take the arguments ({expected})"
    if what == "unfinished":
        return f"{function}{f' of {target}' if target else ''} is not finished: {detail}"
    return detail


def _digits(digits: int) -> str:
    as_if = ", as if a part were in float32, or an epsilon added" if 5 <= digits <= 8 else ""
    return f"right to {digits} digits only ({digits} decimals below 1){as_if}"


def _subnormals(all: bool) -> str:
    if all:
        return "subnormal numbers are flushed to zero"
    return "subnormal numbers are wrong; perhaps some of them are flushed to zero"


def _traces(outputs: Sequence[Sequence[str]]) -> str:
    return f"wrong outputs: {', '.join(f'{name} ({place})' if place else name for name, place in outputs)}"


def _helper(functions: Sequence[str], told: Facts) -> str:
    return f"by {' and '.join(functions)}, which the course gives: {Finding(**told).title}"


_WORDS: Mapping[str, Callable[..., str]] = {
    "mistake": _mistake,
    "raised": _raised,
    "died": lambda reason, at="", stderr="": reason,
    "form": lambda text: text,
    "lacking": _lacking,
    "two answers": lambda: "two calls with equal arguments give different answers",
    "earlier calls": lambda again: f"{again} it is right: the answer depends on earlier calls, or on chance",
    "order of parameters": lambda: "the answer depends on the order of the parameters in their dict",
    "overwrites": lambda arrays: f"a later call overwrites the {' and '.join(arrays)} of an earlier call",
    "writes": lambda arguments: f"it writes to {', '.join(arguments)}",
    "stated gates": lambda stated, fits: f"the gates are in the order {fits}, not {stated} as --gates states",
    "digits": _digits,
    "subnormals": _subnormals,
    "location": lambda lines, **parts: "; ".join(lines),
    "nearly": lambda: "off by too little to tell which mistake it is",
    "only in this law": lambda: (
        "an ordinary call on this problem is right, and the call that this law makes is wrong"
    ),
    "right in": lambda dtype, wrong_in: f"right in {dtype}, and not in {wrong_in}",
    "traces": _traces,
    "broke": lambda error: f"the search for the mistake failed, please report it: {error}",
    "unknown": lambda: "nothing is known about it",
    "harness broke": lambda: "the harness broke, please report it",
    "helper": _helper,
}
"""The text of each kind of finding."""

_MISTAKES = frozenset(
    {"mistake", "two answers", "earlier calls", "order of parameters"}
    | {"overwrites", "writes", "stated gates", "digits", "subnormals"}
)

_VAGUE = frozenset({"nearly", "only in this law", "right in", "traces", "broke", "unknown"})

_CAUSE: Mapping[str, Callable[[Facts], Any]] = {
    "raised": lambda facts: [facts["type"], facts["text"]],
    "died": lambda facts: facts["reason"],
    "lacking": lambda facts: [
        facts["what"],
        facts.get("function", ""),
        facts["detail"] if facts["what"] != "unfinished" else "",
    ],
    "traces": lambda facts: [],
    "helper": lambda facts: facts["functions"],
    "digits": lambda facts: [],
    "location": lambda facts: [facts["where"], facts["how"]],
}
"""The facts that distinguish causes, by kind; for kinds that are not listed, every fact does."""


def _without_numbers(value: Any) -> Any:
    """The data with 0 for each number, without digits in texts, and with `y` for each name of predictions."""
    if isinstance(value, Mapping):
        return {name: _without_numbers(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_numbers(each) for each in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0
    if value in ("yt_pred", "y_pred"):
        return "y"
    return "".join(each for each in value if not each.isdecimal()) if isinstance(value, str) else value


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
        texts[label] = _rendered(name, fact)
    if "again" in facts:
        texts["wrong"] += ": its two answers must agree"
    return texts


def is_far(facts: Facts, tolerance: float, floor: float = 1.0) -> bool:
    """Whether an answer is off by more than `tolerance * (floor + |right value|)`."""
    right = facts.get("exact") or facts.get("again") or facts.get("expected")
    if not isinstance(right, Mapping):
        return False
    ours, theirs = float(facts["implementation"]), float(right["value"])
    if ours == theirs or (isnan(ours) and isnan(theirs)):
        return False
    are_numbers = isfinite(ours) and isfinite(theirs)
    return not are_numbers or abs(ours - theirs) > tolerance * (floor + abs(theirs))


def _rendered(name: str, fact: Any) -> str:
    if name == "layout":
        return _LAYOUTS[fact]
    if isinstance(fact, float):
        return repr(fact)
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
    "exact": lambda fact: str(fact["digits"]),
    "again": lambda fact: str(fact["value"]),
    "expected": lambda fact: f"{fact['value']}{fact['from']}",
    "allowed": _allowed,
    "off_by": _off_by,
    "wrong": _wrong,
    "extent": lambda fact: f"{fact['wrong']} of {fact['of']} elements of {fact['name']}",
    "raised": lambda fact: f"{fact['type']}: {fact['text']}",
}
"""The function that renders each fact with several parts, by the name of the fact."""

"""Claims about a failure, as data. `words` renders them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from oracle.explanations import words
from oracle.witnesses.verdict import Facts


@dataclass(frozen=True)
class Claim:
    """One claim about a failure: its kind, a key of `words.TEXTS`, and the facts of that kind."""

    kind: str
    facts: Facts

    @classmethod
    def of(cls, kind: str, **facts: Any) -> "Claim":
        """The claim of a kind with these facts."""
        return cls(kind, facts)

    @property
    def lines(self) -> list[str]:
        """The text of the claim in lines."""
        return words.lines(self.kind, self.facts)

    @property
    def words(self) -> str:
        """The text of the claim in one line."""
        return "; ".join(self.lines)

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
        """Whether the claim names a mistake, and not only its effects."""
        return self.kind in _MISTAKES

    @property
    def is_located(self) -> bool:
        """Whether the claim says which equation is wrong."""
        return self.kind in _LOCATED

    @property
    def is_vague(self) -> bool:
        """Whether different mistakes can have this claim."""
        return self.kind in _OF_OUTPUTS | {"broke", "no time", "unknown"}

    @property
    def is_of_numbers(self) -> bool:
        """Whether the claim is about numbers that calls return, so that it explains no call that raises."""
        return self.kind in _OF_OUTPUTS | {"digits", "subnormals", "cached"}

    @property
    def cause(self) -> str:
        """A key that claims with the same cause have in common.

        Claims that say what a program returns have one cause if all their facts are equal. Of other claims,
        only the facts of `_CAUSE` count, or else all facts, without their numbers.
        """
        if self.kind in {"mistake", "cached"} | _LOCATED:
            return repr((self.kind, self.facts))
        return repr((self.kind, _without_numbers(_CAUSE.get(self.kind, dict)(self.facts))))


def shared(claims: Sequence[Claim]) -> Claim:
    """What claims with one cause all state, so that it is true of several failures.

    It has the facts that are equal in all claims, and all their outputs. Vague claims that differ share only
    what those of wrong outputs say of ordinary problems, which is true of the function.
    """
    own = {"here", "statement"}  # facts about one problem and one law
    claims = [Claim(each.kind, {k: v for k, v in each.facts.items() if k not in own}) for each in claims]
    first, *others = claims
    if all(each == first for each in others):
        return first
    if all(each.is_vague for each in claims):
        return _shared_outputs([each.facts for each in claims if each.kind == "traces"])
    if any(each.kind != first.kind for each in others):
        return Claim.of("unknown")
    facts = {k: fact for k, fact in first.facts.items() if all(fact == each.facts.get(k) for each in others)}
    if all("outputs" in each.facts for each in claims):  # of several functions
        facts["outputs"] = [*dict.fromkeys(name for each in claims for name in each.facts["outputs"])]
    return Claim(first.kind, facts)


def _shared_outputs(every: Sequence[Facts]) -> Claim:
    """What claims of wrong outputs all say of ordinary problems."""
    cases = [each.get("right", []) for each in every]
    of_ordinary = [each for each in every if each.get("right", ON_ORDINARY_PROBLEMS) != ON_ORDINARY_PROBLEMS]
    if of_ordinary and all(each == of_ordinary[0] for each in of_ordinary):
        return Claim("traces", of_ordinary[0])
    right = [case for case in cases[0] if all(case in each for each in cases)] if cases else []
    return Claim.of("traces", outputs=[], right=right) if right else Claim.of("unknown")


def mistake(*names: str) -> Claim:
    """The claim of one mistake of the catalogue, or of several mistakes at once."""
    return Claim.of("mistake", names=[*names])


ON_ORDINARY_PROBLEMS = [words.ORDINARY]
"""The case, in a claim of wrong outputs, that all ordinary problems are right."""

_MISTAKES = frozenset(
    {"mistake", "two answers", "earlier calls", "order of parameters"}
    | {"overwrites", "writes", "stated gates", "digits", "subnormals", "beside cell", "cached"}
)

_LOCATED = frozenset({"location", "misreading"})

_OF_OUTPUTS = frozenset({"nearly", "only in this law", "right in", "second call", "traces"})

_CAUSE: Mapping[str, Callable[[Facts], Any]] = {
    "raised": lambda facts: [facts["type"], facts["text"]],
    "died": lambda facts: facts["reason"],
    "lacking": lambda facts: [
        facts["what"],
        facts.get("function", ""),
        facts["detail"] if facts["what"] != "unfinished" else "",
    ],
    "traces": lambda facts: [facts.get("right") == ON_ORDINARY_PROBLEMS, [*facts.get("unless", ())]],
    "helper": lambda facts: facts["functions"],
    "only in this law": lambda facts: [],
    "digits": lambda facts: ["outputs" in facts],
    "beside cell": lambda facts: [facts["told"]],
    "earlier calls": lambda facts: [],
}
"""The facts that distinguish causes, by kind; for kinds that are not listed, every fact does."""


def _without_numbers(value: Any) -> Any:
    """The data with 0 for each number, without digits in texts, and with `y` for each name of predictions."""
    if isinstance(value, Mapping):
        return {name: _without_numbers(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_numbers(each) for each in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0
    if value in ("yt_pred", "y_pred"):
        return "y"
    return "".join(each for each in value if not each.isdecimal()) if isinstance(value, str) else value


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

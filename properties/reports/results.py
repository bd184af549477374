"""The result of a law on a function; `judgement` makes the verdicts from these results."""

import codecs
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from io import TextIOWrapper
from sys import intern
from typing import Any, Literal

from oracle.explanations.claims import Claim
from oracle.witnesses.verdict import Facts
from reference.contract import CONTRACTS

Status = Literal["passed", "failed", "skipped"]

GRADES = ("spec", "robust")


@dataclass(frozen=True, slots=True)
class LawResult:
    """The result of one law on one function of one target, or on the whole target if `function` is empty.

    A law is skipped if the function is missing, if no problem could be judged, or if a `declared` limit
    excludes the law. `limits` are all limits that the target declares, in words. `understood` has the facts
    of a module of a framework. The counts are those of `Tally`.

    A failure has the `facts` of the violation, and `findings`, the best first. If it is not `reproducible`,
    the law holds in a new process. If only functions of helper modules cause the failure, `helpers` are these
    functions. `expected` says why a failure is expected. `ours` says that the harness failed. `usable` is
    false if the target cannot be judged.
    """

    implementation: str
    law: str
    grade: str
    function: str
    status: Status
    seconds: float
    message: str = ""
    counterexample: str = ""
    facts: Facts = field(default_factory=dict)
    findings: Sequence[Claim] = ()
    inherited: bool = False
    reproducible: bool = True
    helpers: Sequence[str] = ()
    usable: bool = True
    unfinished: bool = False
    expected: str = ""
    ours: bool = False
    declared: str = ""
    limits: Sequence[str] = ()
    understood: Facts = field(default_factory=dict)
    problems: int = 0
    not_meaningful: int = 0
    too_slow: int = 0
    late: str = ""
    not_asked: int = 0
    worst_ratio: float = 0.0
    worst_problem: str = ""
    notes: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The result as a dict, in which every text but the name of the target is `printable`."""
        return {**printable_data(asdict(self)), "implementation": self.implementation}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LawResult":
        """The result from the dict that `as_dict` made. Equal strings become one object."""
        fields = {**values, "findings": [Claim(**each) for each in values.get("findings", ())]}
        fields |= {name: tuple(each) for name, each in fields.items() if type(each) is list}
        fields |= {name: intern(each) for name, each in fields.items() if type(each) is str}
        return cls(**fields)

    def joined(self, other: "LawResult") -> "LawResult":
        """The result of two turns of the law: what a failure says, the counts of both, the largest error."""
        order = ("failed", "passed", "skipped")
        chosen = min(self, other, key=lambda each: order.index(each.status))
        worst = max(self, other, key=lambda each: each.worst_ratio)
        sums = ("seconds", "problems", "not_meaningful", "too_slow", "not_asked")
        return replace(
            chosen,
            **{name: getattr(self, name) + getattr(other, name) for name in sums},
            late=self.late or other.late,
            worst_ratio=worst.worst_ratio,
            worst_problem=worst.worst_problem,
            notes=dict(Counter(self.notes) + Counter(other.notes)),
        )

    @property
    def diagnosis(self) -> list[str]:
        """The findings in words."""
        return [each.words for each in self.findings]

    @property
    def finding(self) -> Claim:
        """The first finding of a failure."""
        if self.ours:
            return Claim.of("harness broke")
        return self.findings[0] if self.findings else Claim.of("unknown")

    @property
    def excuse(self) -> str:
        """Why a failure is expected, or which functions of helper modules cause it; empty if it counts."""
        by_helpers = f"by {', '.join(self.helpers)}" if self.helpers else ""
        return (self.expected or by_helpers) if self.status == "failed" and not self.ours else ""

    @property
    def all_left_out(self) -> bool:
        """Whether every problem was left out, because the function was too slow or crashed too often."""
        return not self.problems and self.too_slow + self.not_asked > 0


def results_by_function(results: Sequence[LawResult]) -> dict[str, list[LawResult]]:
    """The results of each function, in the order of the contracts."""
    functions = [name for name in ("", *CONTRACTS) if any(name == result.function for result in results)]
    return {name: [result for result in results if result.function == name] for name in functions}


def functions_by_laws(results: Sequence[LawResult]) -> list[tuple[list[str], list[str]]]:
    """The functions that have results of the same laws, with these laws."""
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for function, of_function in results_by_function(results).items():
        groups[(*law_names(of_function),)].append(function)
    return [(functions, [*laws]) for laws, functions in groups.items()]


def law_names(results: Iterable[LawResult]) -> list[str]:
    """The names of the laws in these results, each once."""
    return list(dict.fromkeys(result.law for result in results))


def printable_data(value: Any) -> Any:
    """The data with every string made `printable`."""
    if isinstance(value, Mapping):
        return {printable_data(name): printable_data(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_data(each) for each in value]
    return printable(value) if isinstance(value, str) else value


def printable(text: str) -> str:
    """Escape the characters that move the cursor or cannot be encoded; line breaks stay."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )


_IN_ASCII = {"─": "-", "–": "-", "…": "...", "≠": "!=", "≤": "<=", "≥": ">=", "×": "x"}


def print_in_every_encoding() -> None:
    """Let the output replace characters that its encoding lacks; otherwise pytest escapes all line breaks."""

    def replacement(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        missing = error.object[error.start : error.end]
        return "".join(_IN_ASCII.get(each, ascii(each)[1:-1]) for each in missing), error.end

    codecs.register_error("replaced by ASCII", replacement)
    for stream in (sys.__stdout__, sys.__stderr__):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replaced by ASCII")


def encodable(name: str) -> str:
    """Escape the bytes in a file name that are not UTF-8, since workers of pytest-xdist need UTF-8."""
    return name.encode(errors="backslashreplace").decode()

"""One model of what happened; the closing table and the reports are views of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Any, Literal

from oracle.diagnosis.findings import Finding
from oracle.verdict import Facts
from properties.trials.provided_functions import PRESENCE, PROVIDED
from properties.trials.tally import Tally
from reference.contract import CONTRACTS

Status = Literal["passed", "failed", "skipped"]
Verdict = Literal[
    "conforms", "not robust", "incomplete", "unfinished", "not judged", "differs", "unusable", "left"
]

GRADES = ("spec", "robust")

CACHES = frozenset({"cache entries", "cached inputs", "gate ranges"})
"""The laws that look at caches only."""


@dataclass(frozen=True, slots=True)
class LawResult:
    """How one law fared on one function of one implementation, or with `function=""` on all of it.

    A law is skipped where the function is not there, where no problem could be judged, or where a limit that
    the implementation has `declared` leaves nothing of it; `limits` are all that it declares, in words, and
    `understood` has the facts of a module of a framework. Of a
    failure there are the `facts` of the violation, the `findings`, best first, and the functions of
    `helpers`, modules of the course, by which alone the law does not hold. `usable` is false where nothing
    is, and a function may be `unfinished`. A failure is `expected`, for a reason, where the user said so, and
    `ours` where it was the harness that broke.
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
    findings: Sequence[Finding] = ()
    inherited: bool = False
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

    @classmethod
    def of(cls, tally: Tally, **given: Any) -> "LawResult":
        """The result of a law whose run left this tally."""
        notes = {printable(note): count for note, count in tally.notes.items()}
        return cls(**given, **{**vars(tally), "notes": notes})

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "LawResult":
        """The result of which `dataclasses.asdict` has made these values; of equal texts one is kept."""
        findings = tuple(Finding(**each) for each in values.get("findings", ()))
        kept: dict[str, Any] = {
            name: intern(value) if type(value) is str else value for name, value in values.items()
        }
        return cls(**{**kept, "findings": findings})

    @property
    def diagnosis(self) -> list[str]:
        """The findings in words."""
        return [each.words for each in self.findings]

    @property
    def is_excused(self) -> bool:
        """Whether a failure is no fault of the implementation, or one that the user expects."""
        return bool(self.expected or self.helpers)

    @property
    def says_nothing(self) -> bool:
        """Whether every problem that was tried was left out."""
        return not self.problems and self.too_slow + self.not_asked > 0

    @classmethod
    def reported(cls, user_properties: Iterable[tuple[str, Any]]) -> "Iterator[LawResult]":
        """The results among what pytest's report of a test carries."""
        return (cls.read(result) for name, result in user_properties if name == "law")


@dataclass(frozen=True)
class Judgement:
    """What all laws together say of one implementation. One that `is_left` has laws that have not run."""

    implementation: str
    results: Sequence[LawResult]
    is_left: bool = False

    @property
    def functions(self) -> list[str]:
        """The functions that were asked for, in the order of the contracts."""
        asked = {result.function for result in self.results}
        return [name for name in CONTRACTS if name in asked]

    @property
    def verdict(self) -> Verdict:
        """That of the worst function; what differs outweighs what is not judged or not there.

        Backward passes have a verdict of their own, and count here only where there is nothing else. A
        function of which only robust laws were left out changes nothing where another is not robust.
        """
        if self.is_left:
            return "left"
        if self.why_unusable:
            return "unusable"
        forwards = [name for name in self.functions if not CONTRACTS[name].is_backward]
        return self._worst(forwards or self.functions)

    @property
    def backward(self) -> Verdict | None:
        """That of the worst backward pass; `None` where the target has none, or nothing else."""
        backwards = [name for name in self.functions if CONTRACTS[name].is_backward]
        if self.is_left or self.why_unusable or not 0 < len(backwards) < len(self.functions):
            return None
        return self._worst(backwards)

    @property
    def verdict_in_words(self) -> str:
        """The verdict; of forward and backward passes apart, where both are judged and differ in it."""
        if self.backward in (None, self.verdict):
            return self.verdict
        return f"forward {self.verdict}, backward {self.backward}"

    def _worst(self, functions: Sequence[str]) -> Verdict:
        verdicts = {self.verdict_on(function) for function in ("", *functions)}
        unknown = {grade for function in functions for grade in self._unknown(function)}
        if "not robust" in verdicts and "spec" not in unknown:
            verdicts.discard("not judged")
        ranked: tuple[Verdict, ...] = ("differs", "not judged", "unfinished", "incomplete", "not robust")
        return next((verdict for verdict in ranked if verdict in verdicts), "conforms")

    def verdict_on(self, function: str) -> Verdict:
        """By the grades of the laws that do not hold of a function, and of those that say nothing of it.

        *not judged* is for what is unknown: where one robust law fails, another one that was left out cannot
        change the verdict.
        """
        if self.is_left:
            return "left"
        if self.why_unusable:
            return "unusable"
        if self._is_unfinished(function):
            return "unfinished"
        if self.why_missing(function):
            return "incomplete"
        grades = {result.grade for result in self.failures(function)}
        if "spec" in grades:
            return "differs"
        unknown = self._unknown(function)
        if "spec" in unknown or (unknown and not grades):
            return "not judged"
        return "not robust" if grades else "conforms"

    def _is_unfinished(self, function: str) -> bool:
        """Whether a function is still to be written, or the cell is by which alone it is wrong."""
        waits_for = CONTRACTS[function].cell if function and self.inherits(function) else function
        return any(each.unfinished for each in self.results if each.function in (function, waits_for))

    @property
    def why_unusable(self) -> str:
        """Why nothing of it can be judged; empty where something can, or nobody looked."""
        return next((result.message for result in self.results if not result.usable), "")

    def why_missing(self, function: str) -> str:
        """Why a function cannot be judged; empty where it can."""
        lacking = (
            result.message
            for result in self.results
            if result.function == function
            and (
                (result.status == "skipped" and not (result.says_nothing or result.declared))
                or (result.law == PROVIDED and result.status == "failed")
            )
        )
        return next(lacking, "")

    @property
    def limits(self) -> Sequence[str]:
        """What it declares that it does not do, in words; that is not judged, and never counts as passed."""
        return next((result.limits for result in self.results if result.limits), ())

    @property
    def understood(self) -> Facts:
        """The facts of a module of a framework; nothing of other targets."""
        return next((result.understood for result in self.results if result.understood), {})

    @property
    def notes(self) -> Sequence[str]:
        """What was skipped when it was loaded, or given a stand-in, a line each."""
        return [note for result in self.results if not result.function for note in result.notes]

    def failures(self, function: str) -> list[LawResult]:
        """The laws that do not hold of a function, by what it does itself."""
        return [result for result in self._failed(function) if not (result.ours or result.helpers)]

    @property
    def helpers(self) -> list[str]:
        """The functions of helper modules by which alone some laws do not hold, which marks nobody down."""
        return list(dict.fromkeys(name for result in self.results for name in result.helpers))

    def holds(self, function: str) -> list[str]:
        """The grades of which laws ran, and all hold, of a function that is judged."""
        return self._grades(function, inheriting=False)

    def holds_of_its_own(self, function: str) -> list[str]:
        """The same, where a forward is not blamed for what it only inherits from its cell."""
        return self._grades(function, inheriting=True)

    def _grades(self, function: str, *, inheriting: bool) -> list[str]:
        if self.verdict_on(function) not in ("conforms", "not robust", "differs"):
            return []
        ran = [
            result
            for result in self.results
            if result.function == function and result.law not in PRESENCE and result.status != "skipped"
        ]
        broken = {
            result.grade
            for result in ran
            if result.status == "failed" and not (result.helpers or (inheriting and result.inherited))
        }
        return [grade for grade in GRADES if grade in {result.grade for result in ran} - broken]

    @property
    def is_right_on_ordinary_inputs(self) -> bool:
        """Whether every function that was asked for holds the formulas."""
        return self.verdict in ("conforms", "not robust")

    @property
    def grades(self) -> list[str]:
        """The grades of which laws were selected."""
        return [grade for grade in GRADES if any(each.grade == grade for each in self.results)]

    @property
    def laws_failed(self) -> int:
        """How many laws do not hold, of whichever functions."""
        return len({each.law for each in self.results if each.status == "failed" and not each.helpers})

    def inherits(self, function: str) -> bool:
        """Whether a right cell mends all that is wrong with it: of the spec grade, if anything of that is."""
        failures = self.failures(function)
        spec = [result for result in failures if result.grade == "spec"]
        return bool(failures) and all(result.inherited for result in spec or failures)

    def broken(self, function: str) -> list[LawResult]:
        """The laws that say nothing of a function, for the harness broke."""
        return [result for result in self._failed(function) if result.ours]

    def left_out(self, function: str) -> list[LawResult]:
        """The laws that say nothing of a function, for all their problems were left out.

        So they all do where limits leave nothing of any.
        """
        own = [each for each in self.results if each.function == function and each.law not in PRESENCE]
        if own and all(result.declared for result in own):
            return own
        return [result for result in own if result.says_nothing]

    def _unknown(self, function: str) -> set[str]:
        """The grades of the laws that say nothing of a function."""
        return {result.grade for result in [*self.broken(function), *self.left_out(function)]}

    def _failed(self, function: str) -> list[LawResult]:
        return [
            result for result in self.results if result.function == function and result.status == "failed"
        ]

    def remark_on(self, function: str) -> str:
        """What the verdict leaves out: what is lacking, or where the mistake is and what it looks like."""
        if lacking := self.why_unusable or self.why_missing(function):
            return lacking
        if self.verdict_on(function) == "not judged":
            broken, left_out = self.broken(function), self.left_out(function)
            why = "the harness broke" if broken else left_out[0].message
            laws = [result.law for result in broken or left_out]
            return f"{why} in {', '.join(laws[:3])}{', …' if len(laws) > 3 else ''}"
        failures = self.failures(function)
        spec = [result for result in failures if result.grade == "spec"]
        remarks = []
        if spec and self.caches_alone(function):
            remarks.append("outputs right, caches wrong")
        if self.inherits(function):
            remarks.append("inherited from its cell")
        first = {each.findings[0].cause: each.findings[0] for each in reversed(failures) if each.findings}
        causes = Counter(each.findings[0].cause for each in spec or failures if each.findings)
        remarks += [first[cause].words for cause, _ in causes.most_common(1)]
        return "; ".join(remarks)

    def caches_alone(self, function: str) -> bool:
        """Whether laws of the caches of a function fail, and no other."""
        failed = {result.law for result in self.failures(function)}
        return bool(failed) and failed <= CACHES


def printable_data(value: Any) -> Any:
    """Data with each text in it `printable`."""
    if isinstance(value, Mapping):
        return {name: printable_data(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_data(each) for each in value]
    return printable(value) if isinstance(value, str) else value


def printable(text: str) -> str:
    """Text that may come from foreign code, with what would move a cursor or cannot be encoded escaped."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )


def encodable(name: str) -> str:
    """The name of a target, with what is no UTF-8 escaped, which workers of pytest-xdist cannot send."""
    return name.encode(errors="backslashreplace").decode()


def judgements(results: Sequence[LawResult], left: Sequence[str] = ()) -> list[Judgement]:
    """The results by implementation, each sorted by grade, law and function, in whatever order they came.

    Those that are `left`, not judged or only in part, have a judgement too. No forward inherits a
    mistake from a cell of which every law holds.
    """
    order = ["", *CONTRACTS]
    ordered = sorted(
        results,
        key=lambda result: (result.grade == "robust", result.law, order.index(result.function)),
    )
    by_name: dict[str, list[LawResult]] = {name: [] for name in left}
    for result in ordered:
        by_name.setdefault(result.implementation, []).append(result)
    return [Judgement(name, _with_right_cells(by_name[name]), name in left) for name in sorted(by_name)]


def _with_right_cells(results: Sequence[LawResult]) -> list[LawResult]:
    judged = {each.function for each in results if each.status != "skipped"}
    wrong = {each.function for each in results if each.status == "failed"}
    return [
        replace(each, inherited=False)
        if each.inherited and each.function and CONTRACTS[each.function].cell in judged - wrong
        else each
        for each in results
    ]

"""The failures by mistake: what each implementation does wrong, and what all of them do most."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from oracle.problem import Problem
from properties.drawn.work import work
from properties.judged.presence import PROVIDED
from properties.reported.results import Judgement, LawResult
from reference.contract import CONTRACTS

UNKNOWN = "unlike any mistake in the catalogue"
TWO = ", and "
"""Stands between two mistakes that are made at once."""
ALWAYS = "when: always"
"""What a location says that holds on every input."""
BROKEN = "the harness broke, please report it"


@dataclass(frozen=True)
class Case:
    """One mistake of one implementation, in words, and the laws that do not hold for it."""

    implementation: str
    words: str
    results: Sequence[LawResult]

    @property
    def is_spec(self) -> bool:
        """Whether it shows on ordinary inputs."""
        return any(result.grade == "spec" for result in self.results)

    @property
    def smallest(self) -> LawResult:
        """The failure to look at: one on ordinary input, not inherited, on the smallest problem."""
        return min(self.results, key=_size)

    @property
    def by_function(self) -> dict[str, list[LawResult]]:
        """The failures of each function."""
        return by_function(self.results)


@dataclass(frozen=True)
class Mistake:
    """A mistake, and the implementations that make it, a `Case` each."""

    words: str
    cases: Sequence[Case]

    @property
    def implementations(self) -> list[str]:
        """Who makes it, each once."""
        return list(dict.fromkeys(case.implementation for case in self.cases))

    @property
    def results(self) -> list[LawResult]:
        """The failures of all of them."""
        return [result for case in self.cases for result in case.results]

    @property
    def is_known(self) -> bool:
        """Whether its failures are known to have anything in common."""
        return self.words not in (UNKNOWN, BROKEN)


def by_function(results: Sequence[LawResult]) -> dict[str, list[LawResult]]:
    """The results of each function, in the order of the contracts."""
    functions = [name for name in ("", *CONTRACTS) if any(name == result.function for result in results)]
    return {name: [result for result in results if result.function == name] for name in functions}


def laws(results: Iterable[LawResult]) -> list[str]:
    """The laws of results, each once."""
    return list(dict.fromkeys(result.law for result in results))


def cases(judgement: Judgement) -> list[Case]:
    """The mistakes of one implementation, those first that show on ordinary inputs and in most laws."""
    failed = [result for result in judgement.results if result.status == "failed"]
    told = _Told(failed)
    by_words: defaultdict[str, list[LawResult]] = defaultdict(list)
    for result in failed:
        by_words[told.words(result)].append(result)
    found = [Case(judgement.implementation, words, results) for words, results in by_words.items()]
    return sorted(
        found, key=lambda case: (not case.is_spec, case.words.startswith(UNKNOWN), -len(case.results))
    )


class _Told:
    """What other failures of the same implementation tell of one that by itself tells little."""

    def __init__(self, failed: Sequence[LawResult]) -> None:
        self._alone = {sentence: _words(each) for each in reversed(failed) for sentence in each.diagnosis}
        self._raised = {
            _error(each): _words(each)
            for each in reversed(failed)
            if _error(each) and _words(each) != _error(each)[0]
        }
        self._on_ordinary_inputs = {
            each.function: _words(each) for each in reversed(failed) if each.grade == "spec" and not each.ours
        }

    def words(self, result: LawResult) -> str:
        """The mistake that a failure goes back to, in words."""
        words = _words(result)
        parts = words.split(TWO)
        if len(parts) > 1 and self._alone.keys() >= {*parts}:  # two at once, each known by itself
            return self._alone[parts[0]]
        error = _error(result)
        if error in self._raised and words == error[0]:  # as does a mistake that is known by itself
            return self._raised[error]
        if result.grade == "robust" and (words == UNKNOWN or ALWAYS in words):
            # What is wrong on every input is wrong on ordinary ones, where it was found.
            return self._on_ordinary_inputs.get(result.function, words)
        return words


def _error(result: LawResult) -> tuple[str, ...]:
    """What was raised, and at which place; nothing where nothing was."""
    found = facts(result.message)
    return (found["raised"], found.get("at", "")) if "raised" in found else ()


def by_frequency(judged: Iterable[Judgement]) -> list[Mistake]:
    """The mistakes of all, those of most implementations first; what differs in a number or a file is one."""
    alike: defaultdict[str, list[Case]] = defaultdict(list)
    for judgement in judged:
        for case in cases(judgement):
            file = PurePath(case.implementation.partition(":")[0])
            words = case.words.replace(file.name, "") if file.suffix else case.words
            alike[re.sub(r"\d+", "0", words)].append(case)
    found = [Mistake(together[0].words, together) for together in alike.values()]
    return sorted(found, key=lambda mistake: -len(mistake.implementations))


def _words(result: LawResult) -> str:
    """What a failure looks like, in a sentence that does not name the implementation."""
    if result.ours:
        return BROKEN
    if result.diagnosis:
        return result.diagnosis[0]
    if result.law == PROVIDED or not result.usable:
        return (
            result.message.removeprefix(result.implementation)
            .replace(f" of {result.implementation}", "")
            .strip()
        )
    known = facts(result.message).get("unknown mistake", "")
    return f"{UNKNOWN}: {known}" if known else UNKNOWN


def facts(message: str) -> dict[str, str]:
    """The facts in a failure's message by what each is about, as `Failure.message` has written them."""
    _, *lines = message.split("\n")
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        label, _, text = line.removeprefix("  ").partition("  ")
        name = label.strip() or name
        if name:
            found[name] = f"{found[name]}\n{text.strip()}" if name in found else text.strip()
    return found


def _size(result: LawResult) -> tuple[bool, bool, bool, float]:
    try:
        problem = Problem.parse(result.counterexample)
    except ValueError:  # there is none, or it is one of weights that are gone
        return result.grade != "spec", result.inherited, True, math.inf
    odd = 0 in problem.sizes.values() or problem.regime in ("nonfinite", "subnormal")
    return result.grade != "spec", result.inherited, odd, work(problem, result.function)

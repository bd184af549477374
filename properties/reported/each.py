"""A page for each implementation, for who wrote it: what is wrong, an example, how to look at it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from oracle.faults import remedy
from oracle.problem import Problem
from properties.laws import all_laws
from properties.reported.document import Run, replace_file
from properties.reported.mistakes import TWO, Case, by_function, cases, facts, laws
from properties.reported.page import render
from properties.reported.results import Judgement
from properties.reported.snippet import snippet
from properties.reported.worked import worked


def check(folder: Path) -> None:
    """Raise `ValueError` where no pages can be written to a folder."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--report-each {folder}: this is no directory")
    if not folder.parent.is_dir():
        raise ValueError(f"--report-each {folder}: there is no directory {str(folder.parent)!r}")


def write(folder: Path, judged: Sequence[Judgement], run: Run) -> int:
    """Write the pages of those that are judged to the end; how many there are."""
    folder.mkdir(exist_ok=True)
    done = [judgement for judgement in judged if judgement.implementation not in run.left]
    names = file_names([judgement.implementation for judgement in done])
    for judgement, name in zip(done, names, strict=True):
        replace_file(folder / name, as_page(judgement))
    return len(done)


def as_page(judgement: Judgement) -> str:
    """The page of one implementation, on which no other is named."""
    shown = [Shown(case) for case in cases(judgement)]
    return render("each.html.jinja", judgement=judgement, shown=shown)


def file_names(implementations: Sequence[str]) -> list[str]:
    """A name for the page of each: that of its file, or all of its path where others have the same."""
    last = Counter(re.split(r"[/\\]", name)[-1] for name in implementations)
    names: list[str] = []
    taken: Counter[str] = Counter()  # some file systems take a capital for the same letter
    for name in implementations:
        short = re.split(r"[/\\]", name)[-1]
        plain = re.sub(r"[^\w.-]", "_", short if last[short] == 1 else name).lstrip(".") or "_"
        taken[plain.casefold()] += 1
        count = taken[plain.casefold()]
        names.append(f"{plain}~{count}" if count > 1 else plain)
    return [f"{name}.html" for name in names]


_PLAIN = {
    "element": "the first wrong number",
    "implementation": "yours",
    "exact": "right",
    "torch": "right, says torch",
    "extent": "how much is wrong",
    "raised": "it raised",
    "died": "what happened",
    "stderr": "its last words",
    "form": "what it returned",
    "cached": "in your cache",
    "given": "it was given",
    "returned": "you returned",
    "sums to": "the column sums to",
    "grows by": "c grows by",
    "unknown mistake": "what is known of it",
    "wrong": "who is wrong",
}
"""What the facts of a failure are called where they are for who wrote the function."""
_TOLD_ELSEWHERE = ("looks like", "problem", "reproduce", "inherited", "allowed", "off by")


@dataclass(frozen=True)
class Shown:
    """A mistake as it is shown to who made it."""

    case: Case

    @cached_property
    def facts(self) -> dict[str, str]:
        """What was found on the example."""
        return facts(self.case.smallest.message)

    @property
    def told(self) -> list[tuple[str, str]]:
        """These in plain words, without what is told elsewhere on the page and what only experts need."""
        known = "exact" in self.facts
        left_out = (*_TOLD_ELSEWHERE, *(("torch", "wrong") if known else ()))
        return [
            (_PLAIN.get(name, name), _rounded(text) if name == "exact" else text)
            for name, text in self.facts.items()
            if name not in left_out
        ]

    @property
    def laws(self) -> list[tuple[str, str, list[str]]]:
        """What does not hold: a law's name, what it asks, and of which functions.

        Of a mistake on ordinary inputs what fails on others says nothing more.
        """
        asks = {law.name: (law.check.__doc__ or "").partition("\n")[0] for law in all_laws()}
        failures = [each for each in self.case.results if each.grade == "spec" or not self.case.is_spec]
        of_law = {name: [each for each in failures if each.law == name] for name in laws(failures)}
        return [(name, asks[name], [*by_function(failed)]) for name, failed in of_law.items() if name in asks]

    @property
    def remedies(self) -> list[str]:
        """How it is mended, a line for each of the mistakes that are made at once."""
        return [line for sentence in self.case.words.split(TWO) if (line := remedy(sentence))]

    @property
    def inherited(self) -> list[str]:
        """The functions that are right when their cell is."""
        return [
            function
            for function, results in self.case.by_function.items()
            if all(result.inherited for result in results)
        ]

    @property
    def alternatives(self) -> Sequence[str]:
        """Other mistakes that give the same numbers."""
        return [words for words in self.case.smallest.diagnosis if words != self.case.words]

    @property
    def steps(self) -> Sequence[str]:
        """The example worked out, where it is small and one of its numbers is wrong."""
        if not self._problem or "element" not in self.facts:
            return []
        place = re.search(r"sample (\d+)(?:, step (\d+))?", self.facts["element"])
        sample, step = (int(place[1]), int(place[2] or 0)) if place else (0, 0)
        return worked(self._problem, self.case.smallest.function, sample, step)

    @property
    def snippet(self) -> str:
        """A cell for a notebook; empty where there is no example."""
        return snippet(self._problem, self.case.smallest.function) if self._problem else ""

    @cached_property
    def _problem(self) -> Problem | None:
        try:
            return Problem.parse(self.case.smallest.counterexample)
        except ValueError:
            return None


def _rounded(exact: str) -> str:
    """An enclosure to as many digits as one compares: `0.1721177675` of `0.17211776753291662875… ± 3e-41`."""
    digits, more, _ = exact.partition("…")
    return f"{float(digits):.10g}" if more else exact

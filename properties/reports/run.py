"""A run: the judgements of all targets. The closing table and all reports are views of it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePath

from properties.reports.judgement import Judgement
from properties.reports.mistakes import Mistake, TargetMistake, ranked_mistakes

ELLIPSIS = "…"

IN_FULL = 3
"""The most targets whose laws are listed."""


@dataclass(frozen=True)
class Run:
    """The judgements of all targets, the environment by name, and the file of each target's page."""

    judged: Sequence[Judgement]
    environment: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, Path] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        """The targets that were not judged completely."""
        return [each.implementation for each in self.judged if each.is_left]

    @property
    def in_full(self) -> bool:
        """Whether the targets are few enough to list their laws."""
        return len(self.judged) <= IN_FULL

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The short name of each target."""
        return shown_names(each.implementation for each in self.judged)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """All mistakes; the position of a mistake is its number."""
        return ranked_mistakes(self.judged)

    @cached_property
    def numbered(self) -> Mapping[str, list[tuple[int, int, TargetMistake]]]:
        """The mistakes of each target: the number, the place of the target in it, and the case."""
        found: defaultdict[str, list[tuple[int, int, TargetMistake]]] = defaultdict(list)
        for number, mistake in enumerate(self.mistakes, 1):
            for place, case in enumerate(mistake.cases if not mistake.is_of_helpers else (), 1):
                found[case.implementation].append((number, place, case))
        return found


def shown_names(targets: Iterable[str]) -> Mapping[str, str]:
    """Each target relative to the folder that all share; unchanged if there is none."""
    paths = {target: PurePath(target) for target in targets}
    folders = zip(*(path.parent.parts for path in paths.values()), strict=False)
    common = sum(1 for _ in takewhile(lambda parts: len({*parts}) == 1, folders))
    return {
        target: str(PurePath(*path.parts[common:])) if common else target for target, path in paths.items()
    }


def shortened(name: str, room: int) -> str:
    """A name of at most `room` characters; its middle is left out if necessary."""
    if len(name) <= room:
        return name
    last = (room - 1) * 2 // 3  # names differ most at the end
    return f"{name[: room - 1 - last]}{ELLIPSIS}{name[len(name) - last :]}"


def file_names(targets: Sequence[str]) -> Mapping[str, str]:
    """The file name of each target's page: its path in the folder that all share."""
    names: dict[str, str] = {}
    taken: Counter[str] = Counter()  # some file systems ignore case
    for target, shown in shown_names(targets).items():
        plain = re.sub(r"[^\w.-]", "_", shown).lstrip(".") or "_"
        taken[plain.casefold()] += 1
        count = taken[plain.casefold()]
        names[target] = f"{plain}~{count}.html" if count > 1 else f"{plain}.html"
    return names

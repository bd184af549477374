"""A run: the judgements of all targets. The closing table and all reports are views of a run."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePath

from properties.reports.judgement import Judgement
from properties.reports.mistakes import Mistake, TargetMistake, ranked_mistakes
from properties.reports.points import Points

ELLIPSIS = "…"

FEW_TARGETS = 4
"""Up to this many targets, a run lists all laws of each target, and prints every failure."""


@dataclass(frozen=True)
class Run:
    """The judgements of all targets, the facts of the environment, and the file of each target's page.

    `points` says how many points the functions give; `None` without `--points`. The key of a target changes
    with all that its judgement depends on.
    """

    judgements: Sequence[Judgement]
    environment: Mapping[str, str] = field(default_factory=dict)
    points: Points | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, Path] = field(default_factory=dict)

    @property
    def left_targets(self) -> list[str]:
        """The targets that were not judged completely."""
        return [each.implementation for each in self.judgements if each.is_left]

    @property
    def has_few_targets(self) -> bool:
        """Whether there are at most `FEW_TARGETS` targets."""
        return len(self.judgements) <= FEW_TARGETS

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The short name of each target."""
        return short_names(each.implementation for each in self.judgements)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """All mistakes; the position of a mistake is its number."""
        return ranked_mistakes(self.judgements)

    @cached_property
    def numbered_mistakes(self) -> Mapping[str, list[tuple[int, int, TargetMistake]]]:
        """The mistakes of each target: the mistake's number, the occurrence's number, the occurrence."""
        by_target: defaultdict[str, list[tuple[int, int, TargetMistake]]] = defaultdict(list)
        for number, mistake in enumerate(self.mistakes, 1):
            for place, each in enumerate(mistake.occurrences if not mistake.is_of_helpers else (), 1):
                by_target[each.implementation].append((number, place, each))
        return by_target


def short_names(targets: Iterable[str]) -> Mapping[str, str]:
    """The path of each target, relative to the folder that contains all targets, if there is one."""
    paths = {target: PurePath(target) for target in targets}
    folders = zip(*(path.parent.parts for path in paths.values()), strict=False)
    common = sum(1 for _ in takewhile(lambda parts: len({*parts}) == 1, folders))
    return {
        target: str(PurePath(*path.parts[common:])) if common else target for target, path in paths.items()
    }


def shortened(name: str, room: int) -> str:
    """The name in at most `room` characters; an ellipsis replaces the middle of a longer name."""
    if len(name) <= room:
        return name
    last = (room - 1) * 2 // 3  # names differ most at the end
    return f"{name[: room - 1 - last]}{ELLIPSIS}{name[len(name) - last :]}"


def page_names(targets: Sequence[str]) -> Mapping[str, str]:
    """The file name of each target's page, made from the path that `short_names` returns."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for target, path in short_names(targets).items():
        plain = re.sub(r"[^\w.-]", "_", path).lstrip(".") or "_"
        key = plain.casefold()  # some file systems ignore case
        counts[key] += 1
        count = counts[key]
        names[target] = f"{plain}~{count}.html" if count > 1 else f"{plain}.html"
    return names

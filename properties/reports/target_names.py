"""Short names of targets: without the folder that all of them share."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import PurePath

ELLIPSIS = "…"


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

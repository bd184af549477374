"""What targets are called where they stand together: without the folder that all of them are in."""

import os.path
from collections.abc import Iterable, Mapping

ELLIPSIS = "…"


def shown_names(targets: Iterable[str]) -> Mapping[str, str]:
    """Each target relative to the folder that all have in common; as it is where there is none."""
    targets = [*targets]
    folders = [os.path.dirname(target) for target in targets]
    together = len({os.path.isabs(folder) for folder in folders}) == 1
    common = os.path.commonpath(folders) if together else ""
    return {target: os.path.relpath(target, common) if common else target for target in targets}


def shortened(name: str, room: int) -> str:
    """A name that is no longer than there is room for: what is too much is left out in the middle."""
    if len(name) <= room:
        return name
    last = (room - 1) * 2 // 3  # which is where names differ most
    return f"{name[: room - 1 - last]}{ELLIPSIS}{name[len(name) - last :]}"

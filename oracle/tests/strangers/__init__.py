"""Mistakes of other hands, none of which the catalogue has: what their authors say of them, as data.

People who had not read the catalogue wrote them, as edits of `program.txt`: who optimise, port, vectorise and
misread. Those of `unseen_*.toml` were kept out of sight until `oracle.location` was built. A fault has a
`name`, the `function` that is judged, its `edits`, and what its author says of it: `where`, `when`, `how`.
`problem` is one on which it was caught without fuzzing, empty where it was not; `said` is what is found out
by asking it, empty where a name of the catalogue or how it answers is told instead.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FOLDER = Path(__file__).parent
PROGRAM = (FOLDER / "program.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Stranger:
    """One fault."""

    name: str
    function: str
    edits: tuple[tuple[str, str], ...]
    where: str
    when: str
    how: str
    problem: str
    said: str

    @property
    def source(self) -> str:
        """The four functions with the mistake."""
        source = PROGRAM
        for old, new in self.edits:
            assert source.count(old) == 1, (self.name, old)
            source = source.replace(old, new)
        return source

    def program(self) -> SimpleNamespace:
        """The same in a module that has made no call yet."""
        namespace: dict[str, Any] = {}
        exec(compile(self.source, self.name, "exec"), namespace)
        return SimpleNamespace(**namespace)


def _read(path: Path) -> dict[str, Stranger]:
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    found = [
        Stranger(**{**entry, "edits": tuple((edit["old"], edit["new"]) for edit in entry["edits"])})
        for entry in entries
    ]
    return {stranger.name: stranger for stranger in found}


STRANGERS: Mapping[str, Stranger] = {
    name: stranger for path in sorted(FOLDER.glob("*.toml")) for name, stranger in _read(path).items()
}

"""How and within which limits the process of a target runs."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Settings:
    """The settings of a target's process. Times are in seconds, memory is in bytes.

    `directory` is the working directory, in which relative paths begin. `python` is the path of an
    interpreter with NumPy, and `helpers` a folder on the target's path. In the modules of `helpers`, the
    functions that `replaced` names are replaced by right ones. `module` has the fields of
    `oracle.modules.ModuleOptions`. `command` are the words of the user's command before the target.
    """

    directory: Path = field(default_factory=Path.cwd)
    time_limit: float = 5.0
    import_time_limit: float = 20.0
    memory_limit: int = 4 * 2**30
    python: str = sys.executable
    helpers: str = ""
    replaced: Sequence[str] = ()
    module: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ("rnn-crosscheck",)

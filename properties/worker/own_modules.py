"""Hides the packages of rnn-crosscheck from a target, which may have modules of the same names.

In a clone our packages are `reference`, `oracle` and `properties`; in the wheel they are in `rnn_crosscheck`.
"""

import sys
from pathlib import Path

PREFIX = __name__.removesuffix("properties.worker.own_modules")
"""The prefix of our packages: empty in a clone, `"rnn_crosscheck."` in an installation."""

REFERENCE = f"{PREFIX}reference"
"""The default target."""

FRAMEWORKS = f"{PREFIX}oracle.frameworks"
_FAULTS = "oracle.faults"

JUDGED = "RNN_CROSSCHECK_JUDGED"
"""The environment variable in processes of targets, which must not start a run in turn."""

OUR_PACKAGES = (PREFIX.removesuffix("."),) if PREFIX else ("reference", "oracle", "properties")
_ROOT = str(Path(__file__).parents[3 if PREFIX else 2])

PROGRAM = f"""
import sys
if sys.path[:1] == [""]: del sys.path[0]
import numpy
from importlib.machinery import PathFinder
class Ours:
    def find_spec(name, path=None, target=None):
        if name in {OUR_PACKAGES!r}: return PathFinder.find_spec(name, [{_ROOT!r}])
sys.meta_path.insert(0, Ours)
from {PREFIX}%s import %s as main
sys.dont_write_bytecode = True
main()
"""
"""A program that calls a function of a module of ours. It imports our packages alone from `_ROOT`.

Python writes bytecode files for our modules, and none for what a target imports.
"""
WORKER = PROGRAM % ("properties.worker.worker", "main")
FORK_SERVER = PROGRAM % ("properties.worker.worker", "main_of_fork_server")


def full_name(target: str) -> str:
    """The full name of a target: `frameworks.NAME` is short for the adapter of a framework.

    A mistake of the catalogue has the same name, `oracle.faults:NAME`, in a clone and in an installation.
    """
    if target.startswith(f"{_FAULTS}:"):
        return f"{PREFIX}{target}"
    head, dot, name = target.partition(".")
    is_adapter = head == "frameworks" and dot and name.partition(":")[0].isidentifier() and name != "py"
    return f"{FRAMEWORKS}.{name}" if is_adapter else target


def is_ours(source: str) -> bool:
    """Whether a target's source is one of our modules: the reference, the catalogue, or an adapter."""
    return f"{source}.".startswith((f"{REFERENCE}.", f"{PREFIX}{_FAULTS}.", f"{FRAMEWORKS}."))


def hide_our_packages() -> None:
    """Make our packages unavailable for later imports."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "Ours"]
    for name in [name for name in sys.modules if name.partition(".")[0] in OUR_PACKAGES]:
        del sys.modules[name]

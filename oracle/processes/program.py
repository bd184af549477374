"""The program of a process that runs a function of ours.

In a clone our packages are `reference`, `oracle` and `properties`; in the wheel they are in `rnn_crosscheck`.
"""

from pathlib import Path

PREFIX = __name__.removesuffix("oracle.processes.program")
"""The prefix of our packages: empty in a clone, `"rnn_crosscheck."` in an installation."""

OUR_PACKAGES = (PREFIX.removesuffix("."),) if PREFIX else ("reference", "oracle", "properties")
ROOT = str(Path(__file__).parents[3 if PREFIX else 2])
"""The directory of our packages."""

PROGRAM = f"""
import sys
if sys.path[:1] == [""]: del sys.path[0]
import numpy
from importlib.machinery import PathFinder
class Ours:
    def find_spec(name, path=None, target=None):
        if name in {OUR_PACKAGES!r}: return PathFinder.find_spec(name, [{ROOT!r}])
sys.meta_path.insert(0, Ours)
from {PREFIX}%s import %s as main
sys.dont_write_bytecode = True
main()
"""
"""A program that calls a function of a module of ours. It imports our packages alone from `ROOT`.

Python writes bytecode files for our modules, and none for what a target imports.
"""

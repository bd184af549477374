"""Loads the Python objects that `judge` was given, from the file that `properties.session.objects` wrote."""

from __future__ import annotations

import linecache
import os
import pickle
import sys
from types import ModuleType

OBJECTS = "RNN_CROSSCHECK_OBJECTS"
"""The environment variable with the path of the file."""


def load_objects(name: str) -> ModuleType:
    """Return a module of this name that has the objects. Raises what unpickling them raises.

    Modules are imported from where the caller of `judge` imports them. Code without a file, such as that of
    notebook cells, gets its source.
    """
    with open(os.environ[OBJECTS], "rb") as file:
        sys.path[:], path, sources, pickled = pickle.load(file)
    for filename, lines in sources.items():
        linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)
    module = ModuleType(name)
    module.__dict__.update(pickle.loads(pickled), __file__=path)
    return module

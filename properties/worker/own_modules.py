"""Hides the packages of rnn-crosscheck from a target, which may have modules of the same names."""

import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from oracle.processes.program import OUR_PACKAGES, PREFIX, PROGRAM, ROOT
from properties.worker.errors import first_place

REFERENCE = f"{PREFIX}reference"
"""The default target."""

FRAMEWORKS = f"{PREFIX}oracle.frameworks"
_FAULTS = "oracle.faults"

JUDGED = "RNN_CROSSCHECK_JUDGED"
"""The environment variable in processes of targets, which must not start a run in turn."""

OBJECTS = "RNN_CROSSCHECK_OBJECTS"
"""The environment variable with the path of the file of the Python objects that `judge` was given."""

OWN_CODE = "with the reference's own code"
"""The end of the note on a target that imports our reference or oracle."""
_OWN_IMPORT = re.compile(
    r'^[ \t"]*(?:from|import)[ \t]+'
    + (r"rnn_crosscheck(?:\.|[ \t]+import[ \t][^#\n]*\b)" if PREFIX else "")
    + r"(reference|oracle)\b",
    re.MULTILINE,
)

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


def own_import(folder: str) -> str:
    """A note on the first import of our reference or oracle in the loaded modules of a folder, if any.

    They are hidden, but a target may have them on its path.
    """
    with suppress(Exception):  # what a target has put into sys.modules is not always a module
        spec = find_spec(OUR_PACKAGES[0])
        if spec and str(Path(spec.origin or "").resolve().parents[1]) == ROOT:
            for name, module in [*sys.modules.items()]:
                file = getattr(module, "__file__", None) or ""
                if name.partition(".")[0] in OUR_PACKAGES or not first_place([(file, 0, "")], folder):
                    continue
                text = Path(file).read_text(errors="replace")
                if found := _OWN_IMPORT.search(text):
                    line = text.count("\n", 0, found.end()) + 1
                    place = first_place([(file, line, "<module>")], folder)
                    return f"{place} imports {found[1]} of rnn-crosscheck: {OWN_CODE}"
    return ""

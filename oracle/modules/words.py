"""Words what was understood of a module, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIMITS: Mapping[str, str] = {
    "layers": "one layer",
    "directions": "one direction",
    "stacked_directions": "stacked in one direction only",
    "projection": "no projection",
    "activations": "tanh only",
    "lengths": "no lengths",
    "initial_state": "no initial states",
    "c_last": "no last memory states",
    "dtypes": "{dtypes} only",
    "empty": "no empty batch",
    "gradients": "no gradients",
}
_LENGTHS = {
    "": [],
    "packed": ["packed sequences"],
    "counts": ["lengths"],
    "fractions": ["lengths as fractions"],
    "mask": ["a mask for lengths"],
    "padding": ["a mask of the padding"],
}
_TIME = {"first": "time first", "second": "batch first", "stepped": "called step by step"}


def in_words(facts: Mapping[str, Any]) -> str:
    """The facts of `Understood` in one line."""
    said = [f"weights by {facts['weights']}"]
    said += [f"gates {' '.join(facts['gates'])}"] if facts["gates"] else []
    said += [f"although {facts['fits']} fits"] if facts["fits"] else []
    said += [f"one weight on {', '.join(facts['joined'])}"] if facts["joined"] else []
    said += [_TIME[facts["time"]], *(_LENGTHS[facts["lengths"]] if "lengths" not in facts["limits"] else [])]
    said += [f"on {facts['device']}"] if facts["device"] != "cpu" else []
    said += [f"other numbers in {mode}" for mode in facts["other_modes"]]
    dtypes = " and ".join(facts["dtypes"])
    said += [f"{_LIMITS[key].format(dtypes=dtypes)} ({why})" for key, why in facts["limits"].items()]
    return f"{facts['module']} as {facts['like']}: {', '.join(said)}"

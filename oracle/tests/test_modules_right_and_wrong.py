"""Modules of many forms: the right ones agree with the reference, the wrong ones do not."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.modules.fitting import trial_arguments
from oracle.modules.interface import INTERFACES, Sizes
from oracle.modules.trials import Understood
from oracle.tests import right_modules as right
from oracle.tests import wrong_modules as wrong
from oracle.tests.selection import needs
from oracle.tests.test_modules import understood
from reference.layers import lstm_layer, lstm_layer_backward, rnn_layer, rnn_layer_backward

_REFERENCE: Mapping[str, tuple[Any, Any]] = {
    "lstm": (lstm_layer, lstm_layer_backward),
    "rnn": (rnn_layer, rnn_layer_backward),
}


def disagreements(found: Understood, dtype: str = "float64") -> list[str]:
    """Calls within the limits of a module whose answers or gradients differ from those of the reference."""
    supports, kind = found.supports, INTERFACES[found.facts["like"]].kind
    forward, backward = _REFERENCE[kind]
    dtype = dtype if dtype in supports.get("dtypes", [dtype]) else supports["dtypes"][0]
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    D, base = supports.get("least_directions", 1), Sizes(2, 3)
    if found.network:
        base = Sizes(3, 4)
    deep = {"layers": min(supports.get("layers", 2), 2), "directions": max(supports.get("directions", 2), D)}
    wrong = []
    for what, sizes, lengths in (
        ("one layer", {"directions": D}, None),
        ("no states", {"directions": D}, None),
        ("several layers", deep, None),
        *((f"lengths {each}", {"directions": D}, each) for each in ([4, 3, 1], [3, 4, 2], [1, 4, 3, 2])),
        ("no features", {"directions": D, "n_x": 0}, [4, 3, 1]),
        ("lengths of 22", {"directions": D}, [*range(1, 23)]),
        ("lengths of 22 again", {"directions": D}, [*range(1, 22), 20]),
    ):
        if (lengths and supports.get("lengths") is False) or (what == "several layers" and found.network):
            continue
        if what == "no features" and "n_x" not in supports["empty"]:
            continue
        own = replace(base, **sizes)
        given: dict[str, Any] = {"lengths": np.array(lengths), "steps": max(lengths)} if lengths else {}
        given |= {"samples": len(lengths)} if lengths else {}
        x, *states, parameters, options = trial_arguments(kind, own, dtype, **given)
        is_absent = what == "no states" and supports.get("absent_states") is not False
        if is_absent or supports.get("initial_state") is False:
            states = [None] * len(states)
        arguments = (x, *states, parameters, options)
        ours, theirs = found.functions[f"{kind}_layer"](*arguments), forward(*arguments)
        if not _agree(ours, theirs, tolerance):
            wrong.append(what)
        if f"{kind}_layer_backward" in found.functions and not is_absent:
            incoming = [np.ones_like(each) for each in theirs]
            *ours, by_parameters = found.functions[f"{kind}_layer_backward"](*incoming, *arguments)
            *theirs, expected = backward(*incoming, *arguments)
            ours += [array for p in by_parameters for _, array in sorted(p.items())]
            theirs += [array for p in expected for _, array in sorted(p.items())]
            if not _agree(ours, theirs, tolerance):
                wrong.append(f"gradients, {what}")
    return wrong


def _agree(ours: Any, theirs: Any, tolerance: float) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(
        a is None or (a.shape == b.shape and np.allclose(a, b, tolerance, tolerance)) for a, b in pairs
    )


LSTM, RNN, LSTM_CELL, RNN_CELL = (f"torch.nn.{name}" for name in ("LSTM", "RNN", "LSTMCell", "RNNCell"))

RIGHT: list[tuple[Any, Mapping[str, Any]]] = [
    (right.DroppedWeight, {"converts": LSTM}),
    (right.older_weight_norm, {"converts": LSTM}),
    (right.pruned, {"like": LSTM}),
    (right.Closure, {"converts": LSTM}),
    (right.CachedTranspose, {"converts": LSTM}),
    (right.older_spectral_norm, {"like": LSTM}),
    (right.normed, {"like": LSTM}),
    (right.orthogonal, {"like": RNN}),
    (right.spectral_cell, {"like": LSTM_CELL}),
    (right.symmetric, {"like": RNN_CELL}),
    (right.SharedNames, {"like": LSTM_CELL}),
    (right.StepList, {"like": RNN}),
    (right.BiasesInList, {"like": RNN}),
    (right.GatesInDict, {"like": LSTM_CELL}),
    (right.StatesOfChildren, {"like": LSTM}),
    (right.TwoDirections, {"like": RNN}),
    (right.DirectionsInList, {"like": LSTM}),
    (right.MaskByStep, {"like": LSTM}),
    (right.MaskByStep, {"like": LSTM, "fixed": {"batch_first": True}}),
    (right.LinearSteps, {"like": RNN}),
    (right.SortedOnly, {"like": RNN}),
    (right.FlippedTensors, {"like": RNN}),
    (right.scripted_cell, {"trained": True}),
]
"""Right modules, and the user's options for them."""

WRONG: list[tuple[Any, Mapping[str, Any], str]] = [
    (wrong.DefaultOnes, {"like": LSTM_CELL}, "no states"),
    (wrong.MaskIgnored, {"like": LSTM}, "lengths [3, 4, 2]"),
    (wrong.TruncatedFractions, {"like": RNN}, "lengths of 22"),
    (wrong.SortedWithoutLast, {"like": RNN}, "lengths [4, 3, 1]"),
    (wrong.MaskWithoutFreeze, {"like": LSTM}, "lengths [4, 3, 1]"),
    (wrong.CarriedStates, {"like": LSTM}, "no states"),
    (wrong.ForgottenWeights, {"converts": LSTM}, "one layer"),
    (wrong.normed_as_a_whole, {"converts": LSTM}, "one layer"),
    (wrong.GatesOfHidden, {"like": LSTM_CELL, "gates": "ifgo"}, "one layer"),
]
"""Wrong modules, the user's options, and a call that shows the mistake."""


@pytest.mark.filterwarnings("ignore:.*torch.jit", "ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(("make", "asked"), RIGHT, ids=lambda each: getattr(each, "__name__", ""))
def test_right_modules_of_many_forms_agree(make: Any, asked: Mapping[str, Any]) -> None:
    found = understood(make()) if asked.get("trained") else understood(make, **asked)
    assert disagreements(found) == []


@pytest.mark.parametrize(("make", "asked", "call"), WRONG, ids=lambda each: getattr(each, "__name__", ""))
def test_wrong_modules_are_seen(make: Any, asked: Mapping[str, Any], call: str) -> None:
    assert call in disagreements(understood(make, **asked))


def test_last_states_in_a_buffer_of_the_module_are_not_copied() -> None:
    """Otherwise, no law would see that the next call overwrites them."""
    found = understood(wrong.LastStateInBuffer, like=RNN)
    x, *others = trial_arguments("rnn", Sizes(2, 3))
    _, a_last = found.functions["rnn_layer"](x, *others)
    before = a_last.copy()
    found.functions["rnn_layer"](x + 1, *others)
    assert not np.array_equal(a_last, before)


@needs("keras", "keras")
def test_right_compositions_of_keras_agree() -> None:
    """Takes seconds: Keras is imported, in a process of its own."""
    program, root = "oracle.tests.keras_compositions", Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["7 judged"]


def test_masks_and_lengths_are_understood_in_the_form_that_the_module_takes() -> None:
    for make, fixed, ways in (
        (right.MaskByStep, {}, ["mask by step"]),
        (right.MaskByStep, {"batch_first": True}, ["mask"]),
        (right.SortedOnly, {}, ["counts sorted"]),
        (wrong.TruncatedFractions, {}, ["packed", "fractions"]),
    ):
        like = LSTM if make is right.MaskByStep else RNN
        assert understood(make, like=like, fixed=fixed).facts["lengths"] == ways


def test_a_cell_that_requires_states_is_not_judged_without_them() -> None:
    found = understood(right.GatesInDict)
    assert found.supports["absent_states"] is False
    assert "missing 2 required positional arguments" in found.facts["limits"]["absent_states"]


def test_packed_sequences_that_one_direction_alone_takes_are_no_lengths() -> None:
    found = understood(right.FlippedTensors, like=RNN)
    assert found.supports["lengths"] is False
    [why] = found.facts["not_judged"].values()
    assert why.startswith("with layers=1 and directions=2, AttributeError")

"""What the laws take does not grow unnoticed: counted, for time depends on the machine."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from oracle.faults import Fault
from oracle.network.forward import forward_results
from oracle.witnesses import bounds, pytorch
from properties.implementations.calls import Request
from properties.tests.one_law import InProcess, by_power, catch
from properties.trials.law import Law
from properties.trials.trial import Trial

FUNCTION = "lstm_forward"
PROBLEMS = range(8, 55)
"""How many a law tries in the dev profile."""

ALLOWED = {"requests": 405, "calls": 715, "torch": 380, "bounds": 170}
"""For all laws together, a tenth above what was counted, with the oldest Hypothesis or the newest, whichever
asks more. Twelve of the laws look at the same answers. The law *changed argument* makes two requests for each
problem, *whole numbers* makes one more, and *split* computes the bounds of the second part of each.
"""


class Counting(InProcess):
    """The specification itself, which counts how it is asked."""

    def __init__(self, count: Counter[str]) -> None:
        super().__init__(Fault("right", "none", "", {}))
        self._count = count

    def reply_each(self, requests: Sequence[Request], **how: Any) -> Any:
        self._count["requests"] += 1
        self._count["calls"] += sum(2 if request.manner.then else 1 for request in requests)
        return super().reply_each(requests, **how)


def test_there_is_one_thread_per_process() -> None:
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert torch.get_num_threads() == 1


def test_the_laws_take_no_more_than_they_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes a second: all laws of a function are run."""
    count: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **how: Any) -> Any:
            count[name] += 1
            return function(*arguments, **how)

        return counting

    monkeypatch.setattr(pytorch, "run", counted("torch", pytorch.run))
    monkeypatch.setattr(bounds, "forward_results", counted("bounds", forward_results))
    implementation = Counting(count)
    for law in by_power():
        if FUNCTION in law.functions:
            assert catch(_counted(law, count), implementation, FUNCTION, 0) is None
            assert count.pop("problems") in PROBLEMS, law.name
    assert {name: count[name] for name in ALLOWED if count[name] > ALLOWED[name]} == {}


def _counted(law: Law, count: Counter[str]) -> Law:
    def check(trial: Trial) -> None:
        count["problems"] += 1
        law.check(trial)

    return replace(law, check=check)

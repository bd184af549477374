"""Caches of which no more than so many are kept: how many, and which."""

from types import SimpleNamespace
from typing import Any

import pytest

import reference
from oracle.problem import Problem
from oracle.tests.test_diagnosis import manners, program


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (lambda caches: caches[-6:], ["of more than 6 caches the last 6 are kept"]),
        (lambda caches: caches[:6], ["of more than 6 caches the first 6 are kept"]),
        (lambda caches: caches[1:7], []),  # of six, too
        (lambda caches: caches, []),
    ],
)
@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_which_caches_are_kept_is_told(kind: str, kept: Any, said: list[str]) -> None:
    function = f"{kind}_forward"

    def forward(*arguments: Any) -> Any:
        *outputs, (caches, x) = getattr(reference, function)(*arguments)
        return *outputs, (kept(caches), x)

    ask = program(function, SimpleNamespace(**{function: forward}))
    problem = Problem(kind, n_x=2, n_a=3, n_y=2, m=4, T_x=9)  # type: ignore[arg-type]
    assert manners(function, ask, problem.inputs(function)) == said

"""Adapters of frameworks: the example of the page, the table of adapters, and missing frameworks."""

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oracle.frameworks
from oracle.frameworks import ADAPTERS
from oracle.problems.problem import Problem
from oracle.tests.selection import needs
from properties.implementations.calls import Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws.test_robustness import ARRANGEMENTS
from properties.tests.runs import CLONE, Installation, in_clone, run
from properties.worker.loading import load
from properties.worker.own_modules import FRAMEWORKS
from properties.worker.targets import Target, Unusable
from reference.contract import CONTRACTS, LAYERS, LAYERS_BACKWARD

pytestmark = pytest.mark.slow

DOCS = (CLONE / "docs" / "adapters.md").read_text()
EXTRAS = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["optional-dependencies"]
SHARED = {"__init__", "functions", "keras_layers", "torch_modules"}
"""Modules that are not adapters."""


def test_the_example_of_the_page_conforms(tmp_path: Path) -> None:
    """Takes seconds: it judges a target by all laws."""
    example = re.search(r"```python\n(.*?)```", DOCS, re.DOTALL)
    assert example
    assert len(example[1].splitlines()) < 40
    (tmp_path / "my_adapter.py").write_text(example[1])
    status, output = run("--implementation", str(tmp_path / "my_adapter.py"), "--hypothesis-profile=quick")
    assert status == 0, output
    assert "conforms" in output


def test_the_layouts_of_the_page_can_be_imported(wheel: Installation, tmp_path: Path) -> None:
    """Takes seconds: two runs of the command. The target's file is outside of the clone."""
    (_, program) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    body = "".join(f"    {line}\n" for line in program.splitlines())
    (tmp_path / "mine.py").write_text(
        f"def lstm_layer(x, a0, c0, parameters, options):\n    given = x\n{body}"
        "    raise ValueError('back again' if (a == given).all() else 'other numbers')\n"
    )
    for command in (in_clone(), wheel.command):
        done = command.run("mine.py", "-k", "shapes and lstm_layer", directory=tmp_path)
        assert "ValueError: back again" in done.stdout


def test_every_adapter_is_in_the_table() -> None:
    there = {path.stem for path in Path(*oracle.frameworks.__path__).glob("*.py")}
    assert there - SHARED == ADAPTERS.keys()
    installed = {re.split("[>=]", each)[0] for extra in EXTRAS.values() for each in extra} | {"torch"}
    for adapter in ADAPTERS.values():
        assert {*shlex.split(adapter.needs)} <= installed


HOST: dict[str, Any] = {"time_limit": 600.0, "import_time_limit": 600.0, "memory_limit": 8 * 2**30}
SLOW = ("torch_compile", "torch_exported")
"""Adapters that take ten seconds or more until the first answer: tested if SLOW_FRAMEWORKS is set."""
IMPORTED_AS = {"ai-edge-litert": "ai_edge_litert", "paddlepaddle": "paddle"}


def extra_of(distribution: str) -> str:
    """The extra that installs a package; torch needs none."""
    return next(
        (name for name, needed in EXTRAS.items() if any(each.startswith(distribution) for each in needed)), ""
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=needs(IMPORTED_AS.get(distribution, distribution), extra_of(distribution)))
        for name, (distribution, _) in ADAPTERS.items()
        if name not in SLOW or "SLOW_FRAMEWORKS" in os.environ
    ],
)
def test_an_adapter_converts_arrays_in_every_arrangement(name: str) -> None:
    """Takes seconds if the framework is installed: each adapter is imported in its own process."""
    with Implementation(f"{FRAMEWORKS}.{name}", Settings(**HOST)) as adapter:
        try:
            functions = adapter.load().functions
        except Unusable as error:
            pytest.skip(str(error))
        judged = (*LAYERS, *LAYERS_BACKWARD) if adapter.limits.gradients else LAYERS
        for function in judged:
            if function not in functions:
                continue
            given: Any = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4, "layers": 2, "directions": 2}
            kind = CONTRACTS[function].problem_kind
            problem = getattr(Problem, kind)(**given, lengths="random", dtype="float32", seed=1)
            arguments = adapter.limits.fitted(problem).arguments(function)
            expected = adapter.call(function, arguments)
            assert isinstance(expected, Returned), expected
            for arrangement in ARRANGEMENTS:
                answer = adapter.call(function, arguments, arrangement=arrangement)
                assert isinstance(answer, Returned), (arrangement, answer)
                for ours, theirs in zip(arrays(answer.value), arrays(expected.value), strict=True):
                    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6, err_msg=arrangement)


def arrays(returned: Sequence[Any]) -> list[Any]:
    """Return the arrays that a layer returns; of a backward pass also those by parameters."""
    *first, last = returned
    if isinstance(last, list):
        return [*first, *(gradient for by in last for _, gradient in sorted(by.items()))]
    return [*first, last]


def test_the_page_on_installation_says_what_every_extra_is_for() -> None:
    section = (CLONE / "docs" / "installation.md").read_text().partition("\n## Extras\n")[2]
    cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == EXTRAS.keys()


def test_a_missing_framework_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paddle", None)
    with pytest.raises(Unusable) as caught:
        load(Target(f"{FRAMEWORKS}.paddle", ""), Path())
    assert str(caught.value) == (
        "needs paddle, which is not installed: pip install paddlepaddle setuptools, "
        "or --python with one that has it"
    )


def test_an_unknown_adapter_gets_a_suggestion() -> None:
    status, output = run("--implementation", "frameworks.onnxruntme")
    assert status == 4
    assert "did you mean 'onnxruntime'?" in output


def test_an_adapter_may_have_the_name_of_its_framework(tmp_path: Path) -> None:
    """Takes a second: a whole run that explains a failure."""
    (tmp_path / "hypothesis.py").write_text(
        "import hypothesis\n"
        "assert hypothesis.given and __name__ != 'hypothesis'\n"
        "import helper\n"
        "def rnn_layer(x, a0, parameters, options): raise ValueError(helper.WORD)\n"
    )
    (tmp_path / "helper.py").write_text("WORD = 'found'\n")
    status, output = run("--implementation", str(tmp_path / "hypothesis.py"), "-k", "shapes")
    assert status == 1
    assert "ValueError: found" in output

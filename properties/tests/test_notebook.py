import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from properties.implementations.calls import Raised, Returned
from properties.implementations.implementation import Implementation
from properties.worker.statements import RunStatements
from properties.worker.targets import Unusable

Implement = Callable[..., Implementation]


def notebook(*cells: str, lines: bool = False) -> str:
    """The text of a notebook with these code cells, and a text cell before each code cell."""
    return json.dumps(
        {
            "nbformat": 4,
            "metadata": {},
            "cells": [
                cell
                for source in cells
                for cell in (
                    {"cell_type": "markdown", "source": ["def not_code(): ..."]},
                    {"cell_type": "code", "source": source.splitlines(keepends=True) if lines else source},
                )
            ],
        }
    )


def definitions(path: Path, *cells: str, lines: bool = False) -> dict[str, Any]:
    """The names that a notebook defines."""
    path.write_text(notebook(*cells, lines=lines))
    namespace: dict[str, Any] = {"__name__": "notebook"}
    failed = RunStatements(path, namespace).failed
    if failed:
        raise failed[0].error
    return {name: value for name, value in namespace.items() if not name.startswith("__")}


@pytest.mark.parametrize("lines", [True, False])
def test_functions_classes_imports_and_constants_are_defined(tmp_path: Path, lines: bool) -> None:
    found = definitions(
        tmp_path / "a.ipynb",
        "import math\nfrom math import pi as π\nEPS = 1e-8\nHALF = -EPS / 2\nGATES: tuple = ('f', 'i')\n",
        "def rnn_forward(x, a0, parameters):\n    return x\n\nclass Net:\n    size = len(GATES)\n",
        "sigmoid = lambda z: 1 / (1 + math.exp(-z))\nalias, = [sigmoid]\n",
        "TAU = 2 * math.pi\ntable = {'a': {1, 2}}\n",
        lines=lines,
    )
    assert found["π"] == found["math"].pi
    assert (found["EPS"], found["HALF"], found["GATES"]) == (1e-8, -5e-9, ("f", "i"))
    assert found["rnn_forward"](3, 0, 0) == 3
    assert found["Net"].size == 2
    assert found["alias"](0) == 0.5
    assert found["TAU"] == 2 * found["math"].pi
    assert found["table"] == {"a": {1, 2}}


def test_annotations_are_evaluated_as_python_does_where_the_notebook_does_not_say(tmp_path: Path) -> None:
    found = definitions(tmp_path / "a.ipynb", "def rnn_forward(x: int): ...")
    assert found["rnn_forward"].__annotations__ == {"x": int}


@pytest.mark.parametrize(
    "cell",
    [
        "print(1 / 0)",
        "x = print(1 / 0)",
        "x = f'{1 / 0}'",
        "x = [1 / 0 for _ in range(1)]",
        "x = undefined",
        "x = math.undefined",
        "x: int",
        "for x in range(3): pass",
        "assert False",
        "if print(): x = 1",
        "try: x = print()\nexcept ValueError: x = 1",
        "if __name__ == '__main__': x = 1",
        "await 1",
        "raise SystemExit",
        "%matplotlib inline\n!ls\n?help",
        "%%bash\nls | wc -l",
        "x = !ls",
        "x, y[0] = %timeit -o 1 + 1",
        "help?",
        "%%javascript\nclass A { x = 1 }",
        "%%writefile a.py\ndef f(): return 1",
    ],
)
def test_everything_else_is_left_out(tmp_path: Path, cell: str) -> None:
    assert [*definitions(tmp_path / "a.ipynb", "import math", cell, "y = 1")] == ["math", "y"]


def test_definitions_beside_magics_are_found(tmp_path: Path) -> None:
    source = "%load_ext autoreload\ndef f():\n    !ls\n    return 1\n"
    found = definitions(tmp_path / "a.ipynb", source, "%%time\ndef g(): return 2")
    assert found["f"]() == 1
    assert found["g"]() == 2


@pytest.mark.parametrize(
    "magic",
    [
        "files = !ls",
        "t = %timeit -o 1",
        "math.pi?",
        "math??",
        "!pip \\\n  install \\\n  numpy",
        "!a \\\r\n b",
        "%time",
        "np.*load*?",
        "d[0] = !ls",
    ],
)
def test_what_stands_beside_magics_is_defined(tmp_path: Path, magic: str) -> None:
    found = definitions(tmp_path / "a.ipynb", f"import math\n{magic}\ndef f(): return 1 / 0")
    assert [*found] == ["math", "f"]
    assert found["f"].__code__.co_firstlineno == 3 + magic.count("\n")


def test_definitions_may_depend_on_what_there_is(tmp_path: Path) -> None:
    found = definitions(
        tmp_path / "a.ipynb",
        "try:\n    import no_such as m\nexcept ImportError:\n    m = None",
        "ON = 1\nif ON >= 1 and m is None:\n    'On.'\n    def f(): return m",
    )
    assert found["f"]() is None


@pytest.mark.parametrize("magic", ["", "%matplotlib inline\n"])
@pytest.mark.parametrize("source", ["REST = (7\n  % 4)", "REST = 7 \\\n% 4"])
def test_a_continued_line_is_no_magic(tmp_path: Path, magic: str, source: str) -> None:
    assert definitions(tmp_path / "a.ipynb", magic + source) == {"REST": 3}


def test_a_definition_that_is_not_python_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError, match=r"a\.ipynb cell 2, line 2"):
        definitions(tmp_path / "a.ipynb", "x = 1", "def f():\n    return (")


NO_NOTEBOOKS = ("[]", "{}", '{"cells": 3}', '{"cells": [{"source": 3}]}', "[" * 100_000)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, " of format 4: it has no list of cells; save it in Jupyter again") for text in NO_NOTEBOOKS),
        *((text, r": not valid JSON \(.*\); save it in Jupyter again") for text in ("", "\xff")),
    ],
)
def test_what_is_no_notebook_is_an_error(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=f"it is not a notebook{why}"):
        RunStatements(path, {})


def test_a_notebook_is_a_target(implement: Implement) -> None:
    source = notebook(
        "def rnn_forward(x, a0, parameters):\n    return __name__, 1 / x", "print(rnn_forward(0))"
    )
    implementation = implement(source, "my rnn.ipynb")
    assert implementation.load().functions == {"rnn_forward": None}
    assert implementation.call("rnn_forward", [2, 0, 0]) == Returned(("my rnn", 0.5), [2, 0, 0], False)
    outcome = implementation.call("rnn_forward", [0, 0, 0])
    assert outcome == Raised("ZeroDivisionError", "division by zero", "my rnn.ipynb cell 1:2 in rnn_forward")


def test_a_notebook_that_fails_says_where(implement: Implement) -> None:
    with pytest.raises(Unusable, match=r"rnn_forward of 'no_such' \(cell 2\), a module that is not there"):
        implement(notebook("x = 1", "\nfrom no_such import rnn_forward"), "a.ipynb").load()

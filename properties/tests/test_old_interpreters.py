"""The target's side runs in interpreters older than the judge's: in Python from 3.9 and NumPy from 1.23 on.

That its code is of no later Python is read from the code. It is also run by old interpreters, of which none
need be here: those that `OLD_PYTHONS` names (paths with a colon between them), else python3.9 and python3.10.
"""

import ast
import builtins
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import reference
from oracle.problems.problem import Problem
from properties.implementations.calls import Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from reference.contract import CONTRACTS, FUNCTIONS

ROOT = Path(__file__).parents[2]
ROOMS = (
    "reference",
    "properties/worker",
    *(f"oracle/{name}" for name in ("frameworks", "modules", "processes", "weights")),
)
PATHS = [path.relative_to(ROOT) for room in ROOMS for path in ROOT.glob(f"{room}/*.py")]
MODULES = [
    ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for path in PATHS
    if path.parts[0] != "oracle"  # some of these import frameworks
]

LATER_KEYWORDS = {"strict", "root_dir", "action", "slots", "kw_only"}
"""Of `zip`, `glob`, `catch_warnings` and `dataclass`; no other function is called with one of that name."""
LATER_NAMES = {
    *("Concatenate", "Never", "ParamSpec", "Self", "TypeAlias", "TypeGuard", "TypeVarTuple", "Unpack"),
    *("assert_never", "assert_type", "override", "EllipsisType", "NoneType", "UnionType", "StrEnum"),
    *("BaseExceptionGroup", "ExceptionGroup", "add_note", "bit_count", "batched", "pairwise", "tomllib"),
}


def later_than_3_9(source: str) -> list[str]:
    """The parts of a source that Python 3.9 does not have."""
    try:
        tree = ast.parse(source, feature_version=(3, 9))
    except SyntaxError as error:
        return [str(error)]
    if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body):
        tree = Unannotated().visit(tree)
    return [
        f"{ast.unparse(node)} in line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, (ast.expr, ast.keyword, ast.alias)) and is_later(node)
    ]


class Unannotated(ast.NodeTransformer):
    """Leaves out the annotations, which are not evaluated where they are postponed."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return ast.copy_location(ast.Expr(node.value), node) if node.value else None


def is_later(node: ast.expr | ast.keyword | ast.alias) -> bool:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return is_type(left) or is_type(right)
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name in LATER_NAMES
    return isinstance(node, ast.keyword) and node.arg in LATER_KEYWORDS


def is_type(node: ast.expr) -> bool:
    """Whether an operand of `|` looks like a type: `None`, `int`, `Array`, `np.ndarray`, `dict[str, int]`."""
    match node:
        case ast.Constant(value=None):
            return True
        case ast.Subscript(value=value):
            return is_type(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            known = getattr(builtins, name, getattr(np, name, None))
            return isinstance(known, type) or (name[0].isupper() and not name.isupper())
    return False


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_the_targets_side_uses_nothing_later_than_python_3_9(path: Path) -> None:
    assert later_than_3_9((ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "is_there"),
    [
        ("match x:\n    case 1: pass", False),
        ("try: pass\nexcept* ValueError: pass", False),
        ("zip(x, y, strict=True)", False),
        ("partial(catch_warnings, action='ignore')", False),
        ("from typing import Self", False),
        ("def f(x: 'int') -> typing.Never: pass", False),
        ("Size = int | str", False),
        ("Size = dict[str, int] | x", False),
        ("isinstance(x, float | np.ndarray)", False),
        ("def f(x: int | None): pass", False),
        ("from __future__ import annotations\ndef f(x: int = int | None): pass", False),
        ("from __future__ import annotations\ndef f(x: int | None) -> int | None: y: int | None = x", True),
        ("from __future__ import annotations\nclass A:\n    x: int | None\n    y: int | None = 0", True),
        ("x | re.MULTILINE | {*y}", True),
        ("with (open(x) as y, open(z)): pass", True),  # only its documentation came with 3.10
        ("zip(x, y)", True),
    ],
)
def test_what_is_later_than_python_3_9_is_found(source: str, is_there: bool) -> None:
    assert (later_than_3_9(source) == []) is is_there


NAMED = list(filter(None, os.environ.get("OLD_PYTHONS", "").split(os.pathsep)))


@pytest.fixture(params=NAMED or ["python3.9", "python3.10"])
def old_python(request: pytest.FixtureRequest) -> str:
    """An old interpreter that has NumPy; the test is skipped where there is none, unless it was named."""
    name: str = request.param
    python = which(name)
    if python and not subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode:
        return python
    reason = f"{name} is not there, or has no NumPy"
    if NAMED:
        pytest.fail(reason)
    pytest.skip(f"{reason}: install it, or name old interpreters by OLD_PYTHONS")


@pytest.fixture
def in_old_python(old_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run workers in the old interpreter, without the option -P, which came with Python 3.11."""
    script = f"""\
        #!/bin/sh
        for argument; do shift; [ "$argument" = -P ] || set -- "$@" "$argument"; done
        exec '{old_python}' "$@"
        """
    (tmp_path / "python").write_text(dedent(script))
    (tmp_path / "python").chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))


def test_an_old_interpreter_imports_the_targets_side(old_python: str) -> None:
    run = subprocess.run(
        [old_python, "-B", "-c", f"import {', '.join(MODULES)}"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_numpy_1_does_not_widen_a_number(old_python: str) -> None:
    program = "import numpy, reference; print(reference.sigmoid(numpy.float16(1)).dtype)"
    run = subprocess.run([old_python, "-B", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "float16\n", run.stderr


def leaves(value: Any) -> Iterator[Any]:
    """The arrays in an answer, in order; those in a dict by name."""
    if isinstance(value, dict):
        value = [value[name] for name in sorted(value)]
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from leaves(part)
    else:
        yield value


@pytest.mark.usefixtures("in_old_python")
def test_a_worker_in_an_old_interpreter_answers_as_the_judge_would() -> None:
    answer_as_the_judge_would("examples/textbook.py", "float64")
    for dtype in ("float16", "float32", "float64"):
        answer_as_the_judge_would("reference", dtype)


def answer_as_the_judge_would(target: str, dtype: Any) -> None:
    tolerance = 64 * np.finfo(dtype).eps
    with Implementation(target, Settings(directory=ROOT)) as implementation:
        for name in FUNCTIONS:
            for seed in range(5):
                problem = Problem(CONTRACTS[name].kind, 3, 4, 2, 5, 6, regime="unit", seed=seed, dtype=dtype)
                arguments = problem.arguments(name)
                outcome = implementation.call(name, arguments)
                assert isinstance(outcome, Returned), outcome
                expected = getattr(reference, name)(*arguments)
                for found, right in zip(leaves(outcome.value), leaves(expected), strict=True):
                    assert found.dtype == right.dtype
                    np.testing.assert_allclose(found, right, rtol=tolerance, atol=tolerance)

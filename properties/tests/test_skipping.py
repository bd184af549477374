"""Judged is what loads: what fails and the functions do without is skipped, and told."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

from properties.implementations.calls import Raised, Returned
from properties.implementations.implementation import Implementation
from properties.tests.hostile_targets import notebook
from properties.tests.runs import run
from properties.worker.targets import Unusable

pytestmark = pytest.mark.slow

Implement = Callable[..., Implementation]

FORWARD = "def rnn_forward(x, a0, parameters):\n    return x\n"
HEAD = "def rnn_forward(x, a0, parameters):\n    return {}(x)\n"
OURS = "rnn_utils is missing: replaced by our own {}"
NOT_THERE = "a module that is not there: name a folder that has it by --helpers DIR"


@pytest.mark.parametrize(
    ("source", "notes"),
    [
        (f"{FORWARD}assert rnn_forward(1, 2, 3) == 4\n", ["skipped line 3: AssertionError: no message"]),
        (f"import imageio\n{FORWARD}", ["skipped line 1: ModuleNotFoundError: No module named 'imageio'"]),
        (
            f"import imageio, math\n{FORWARD}",
            ["skipped line 1: ModuleNotFoundError: No module named 'imageio'"],
        ),
        (
            f"{FORWARD}x = open('no such file')\nprint(x)\ny = x + 1\nprint(y)\n",
            ["skipped line 3: FileNotFoundError: [Errno 2] No such file or directory: 'no such file'"],
        ),
        (f"{FORWARD}import sys\nsys.exit('over')", ["skipped line 4: SystemExit: over"]),
        (f"{FORWARD}__file__ = 1 / 0", ["skipped line 3: ZeroDivisionError: division by zero"]),
        (
            f"{FORWARD}x = 1 / 0\nx = 2\ndef other(): return x",
            ["skipped line 3: ZeroDivisionError: division by zero"],
        ),
        (
            FORWARD + "".join(f"print({n} / 0)\n" for n in range(7)),
            [*(f"skipped line {n}: ZeroDivisionError: division by zero" for n in range(3, 8)), "and 2 more"],
        ),
        (FORWARD, []),
    ],
)
def test_what_fails_in_a_file_and_is_not_needed_is_skipped(
    implement: Implement, source: str, notes: list[str]
) -> None:
    loaded = implement(source).load()
    assert (loaded.functions, [*loaded.notes]) == ({"rnn_forward": None}, notes)


@pytest.mark.parametrize(
    "statement",
    ["time.sleep(1000)", "while True:\n    try: x.dot(x)\n    except Exception: pass"],
)
def test_a_statement_that_does_not_end_is_skipped_at_the_time_limit(
    implement: Implement, statement: str
) -> None:
    """Takes a second."""
    source = f"import time\nimport numpy as np\nx = np.eye(9)\n{statement}\n{FORWARD}{statement}\n"
    implementation = implement(source, import_time_limit=0.5)
    first, second = 4, 6 + statement.count("\n") + 1
    interrupted = "KeyboardInterrupt: did not end within --import-time-limit"
    assert [*implementation.load().notes] == [f"skipped line {n}: {interrupted}" for n in (first, second)]
    assert isinstance(implementation.call("rnn_forward", [1, 2, 3]), Returned)


def test_a_function_that_needs_a_statement_that_does_not_end_says_so(implement: Implement) -> None:
    source = f"{HEAD.format('slow')}def wait():\n    while True: pass\nslow = wait()\n"
    with pytest.raises(Unusable, match="needs line 5, which fails: KeyboardInterrupt: did not end within"):
        implement(source, import_time_limit=0.5).load()


def test_a_function_whose_last_definition_fails_is_not_judged_by_an_earlier_one(implement: Implement) -> None:
    with pytest.raises(Unusable, match="it needs line 3, which fails: ZeroDivisionError"):
        implement(f"{FORWARD}rnn_forward = 1 / 0\n").load()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "def f(x): 1 / 0\nN = f(1)\ndef g(x): return N\n" + HEAD.format("g"),
            "line 2, which fails: ZeroDivision",
        ),
        ("@no_such\n" + FORWARD, "line 2, which fails: NameError: name 'no_such' is not defined"),
        (FORWARD + "rnn_forward = rnn_forward.no_such\n", "line 3, which fails: AttributeError"),
        ("N = 1\nN = 1 / 0\ndef rnn_forward(x, a0, p): return N", "line 2, which fails: ZeroDivisionError"),
        (
            "from rnn_utils import smooth\n" + HEAD.format("smooth"),
            f"smooth of 'rnn_utils' (line 1), {NOT_THERE}",
        ),
        ("from rnn_utils import *\n" + HEAD.format("smooth"), f"smooth of 'rnn_utils' (line 1), {NOT_THERE}"),
        (
            "import rnn_utils as u\n" + HEAD.format("u.smooth"),
            f"u.smooth of 'rnn_utils' (line 1), {NOT_THERE}",
        ),
        (
            "from rnn_utils import *\nclass Net:\n    f = smooth\n    " + FORWARD.replace("\n", "\n    "),
            "smooth",
        ),
    ],
)
def test_what_fails_and_is_needed_is_told(implement: Implement, source: str, why: str) -> None:
    with pytest.raises(Unusable) as caught:
        implement(source, "target.py:Net" if "Net" in source else "target.py").load()
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_function_may_lack_what_the_others_do_not_need(implement: Implement) -> None:
    loaded = implement(
        f"from rnn_utils import smooth\n{FORWARD}{HEAD.format('smooth')}".replace(
            "def rnn_forward", "def lstm_forward", 1
        )
    ).load()
    assert [*loaded.functions] == ["lstm_forward"]
    assert loaded.lacking["rnn_forward"].startswith("it needs smooth of 'rnn_utils' (line 1), a module")


@pytest.mark.parametrize(
    ("before", "called", "note"),
    [
        ("from rnn_utils import *", "softmax", OURS.format("softmax")),
        ("from rnn_utils import *", "sigmoid(x) + softmax", OURS.format("sigmoid and softmax")),
        ("from rnn_utils import softmax, smooth", "softmax", OURS.format("softmax")),
        ("from rnn_utils import softmax as normalise", "normalise", OURS.format("normalise")),
        ("import rnn_utils", "rnn_utils.softmax", OURS.format("softmax")),
        ("import rnn_utils as u", "u.softmax", OURS.format("softmax")),
    ],
)
def test_softmax_and_sigmoid_of_a_missing_module_have_a_stand_in(
    implement: Implement, before: str, called: str, note: str
) -> None:
    implementation = implement(f"{before}\n{HEAD.format(called)}")
    assert [*implementation.load().notes] == [note]
    outcome = implementation.call("rnn_forward", [np.full((1, 2), 1e4), 0, 0])
    assert isinstance(outcome, Returned)
    assert np.array_equal(outcome.value, [[2, 2]] if "sigmoid" in called else [[1, 1]])


@pytest.mark.parametrize("before", ["from rnn_utils import *", "from rnn_utils import softmax"])
def test_a_function_of_its_own_needs_no_stand_in(implement: Implement, before: str) -> None:
    implementation = implement(f"{before}\ndef softmax(x): return 7\n{HEAD.format('softmax')}")
    assert [*implementation.load().notes] == [
        "skipped line 1: ModuleNotFoundError: No module named 'rnn_utils'"
    ]
    assert implementation.call("rnn_forward", [1, 2, 3]) == Returned(7, [1, 2, 3], False)


def test_a_folder_of_helpers_is_on_the_path(implement: Implement, tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "rnn_utils.py").write_text("def smooth(x): return 3\ndef softmax(x): return 4\n")
    for place, five in ((tmp_path, "5"), (tmp_path / "course", "'not this one'")):
        (place / "neighbour.py").write_text(f"five = {five}")
    source = "from rnn_utils import *\nfrom neighbour import five\n" + HEAD.format("softmax(x), five, smooth")
    implementation = implement(source, helpers=str(tmp_path / "course"))
    assert not implementation.load().notes
    assert implementation.call("rnn_forward", [1, 2, 3]) == Returned((4, 5, 3), [1, 2, 3], False)


def test_cells_are_called_as_jupyter_shows_them(implement: Implement) -> None:
    broken = ("import no_such", "def rnn_cell_backward(:", FORWARD, "import no_other", "def twice(:")
    notes = implement(notebook(*broken, counts=(12, 3, 7, 7, None)), "a.ipynb").load().notes
    assert [note.partition(":")[0] for note in notes] == [
        "skipped In [12]",
        "skipped In [3]",
        "skipped cell 4",
        "skipped cell 5",
    ]


def test_a_broken_cell_that_is_needed_is_told(implement: Implement) -> None:
    with pytest.raises(Unusable, match=r"it needs In \[4\], which fails: SyntaxError: invalid syntax"):
        implement(notebook("def g(:", HEAD.format("g"), counts=(4, 5)), "a.ipynb").load()


def test_a_name_of_a_broken_cell_is_no_name_of_a_missing_module(implement: Implement) -> None:
    """The cell is that of Python 2, and tests the function, which uses its names by mistake."""
    tests = "np.random.seed(1)\nn = 3; Wf, Wc = np.random.randn(2, 3)\nprint 'done'"
    forward = HEAD.format("softmax(Wf + Wc, n)") + "\n"
    cells = ("import numpy as np\nfrom rnn_utils import *", forward, tests)
    with pytest.raises(
        Unusable, match=r"it needs In \[8\], which fails: SyntaxError: Missing parentheses in call"
    ):
        implement(notebook(*cells, counts=(6, 7, 8)), "a.ipynb").load()
    loaded = implement(
        notebook(cells[0], FORWARD, "Wf = 3\ndef f(:\n", "Wc = \n", counts=(6, 7, 8, 9)), "b.ipynb"
    ).load()
    assert [each.partition(":")[0] for each in loaded.notes] == ["skipped In [6]", "skipped In [8]"]


def test_the_last_of_two_definitions_counts(implement: Implement) -> None:
    twice = (FORWARD.replace("return x", "return 1"), FORWARD.replace("return x", "return 2"))
    for source, name in ((notebook(*twice), "a.ipynb"), ("\n".join(twice), "b.py")):
        outcome = implement(source, name).call("rnn_forward", [0, 0, 0])
        assert isinstance(outcome, Returned)
        assert outcome.value == 2


EXPORTED = {
    "nbconvert": "#!/usr/bin/env python\n# coding: utf-8\n# In[3]:\n\nimport math\n\n# In[ ]:\n\n\n{}\n",
    "percent": "# %%\nimport math\n\n# %% [markdown]\n# # Text\n\n# %%\n%matplotlib inline\n{}\n",
    "spyder": "import math\n#%% A cell\n{}\n",
}


@pytest.mark.parametrize("form", EXPORTED)
def test_an_exported_notebook_is_treated_as_a_notebook(implement: Implement, form: str) -> None:
    body = f"while True: pass\nget_ipython().system('ls')\n{FORWARD}    1 / x\n# In[5]:\ndef broken(:\n"
    text = EXPORTED[form].format(body.replace("return x", "math"))
    implementation = implement(text)
    number = text.splitlines().index("def broken(:") + 1
    assert [*implementation.load().notes] == [
        f"skipped line {number}: SyntaxError: invalid syntax (target.py, line {number})"
    ]
    outcome = implementation.call("rnn_forward", [0, 0, 0])
    assert isinstance(outcome, Raised)
    assert outcome.where == f"target.py:{text.splitlines().index('    1 / x') + 1} in rnn_forward"


def test_annotations_may_be_postponed_for_the_whole_file(implement: Implement) -> None:
    annotated = "from __future__ import annotations\ndef rnn_forward(x: no_such, a0: int | None, p): return x"
    for source, name in ((annotated, "a.py"), (notebook(*annotated.split("\n")), "b.ipynb")):
        assert implement(source, name).load().functions == {"rnn_forward": None}


@pytest.mark.parametrize(
    ("source", "function", "hint"),
    [
        ("def rnn_forward_pass(x, a0, p): ...", "rnn_forward", "rnn_forward_pass"),
        ("def RNN_Forward(x, a0, p): ...", "rnn_forward", "RNN_Forward"),
        ("def rnn_backprop(da, caches): ...", "rnn_forward", None),
        ("def rnn_forward_test(target): ...", "rnn_forward", None),
        ("def rnn_forward_pass(x, a0, p): ...", "rnn_cell_forward", None),
        ("rnn_forward_pass = 3", "rnn_forward", None),
    ],
)
def test_another_name_is_guessed(implement: Implement, source: str, function: str, hint: str | None) -> None:
    loaded = implement(f"{source}\ndef lstm_forward(x, a0, p): ...\n").load()
    assert loaded.similar.get(function) == hint
    with pytest.raises(Unusable) as caught:
        implement(source).load()
    assert ("did you mean rnn_forward by" in str(caught.value)) == ("Forward" in source or "_pass(" in source)


SUBMISSION = """
import no_such
from rnn_utils import *
from reference import rnn_cell_forward as right
def rnn_cell_forward(xt, a_prev, parameters):
    assert {}
    return right(xt, a_prev, parameters)
"""


@pytest.mark.parametrize("helped", [True, False])
def test_a_run_tells_what_was_skipped_and_who_only_helps(tmp_path: Path, helped: bool) -> None:
    """Takes a second: a whole run."""
    for folder in ("submissions", "course"):
        (tmp_path / folder).mkdir()
    (tmp_path / "submissions" / "ada.py").write_text(SUBMISSION.format("smooth(1)" if helped else "softmax"))
    (tmp_path / "submissions" / "no_such.py").write_text("1 / 0")
    (tmp_path / "course" / "rnn_utils.py").write_text("def smooth(x): return x")
    given = ["--implementation", "submissions", *(["--helpers", "course"] if helped else [])]
    reports = ["--report", "it.json", "--report", "it.html"]
    status, output = run(*given, *reports, "-k", "can_be_used or each_step and rnn_cell", directory=tmp_path)
    assert status == 0, output
    assert "not judged, because other targets import it: submissions/no_such.py" in output
    notes = ["skipped line 2: ZeroDivisionError: division by zero"]
    notes.append("ada.py:4 imports reference of rnn-crosscheck: with the reference's own code")
    if not helped:
        notes.insert(0, "rnn_utils is missing: replaced by our own softmax")
    (judged,) = json.loads((tmp_path / "it.json").read_text())["implementations"]
    assert judged["notes"] == notes
    assert all(f"<li>{escape(note)}</li>" in (tmp_path / "it.html").read_text() for note in notes)
    assert all(note.split(":")[0] in output for note in notes)


def test_a_folder_of_helpers_that_is_not_there_is_told() -> None:
    status, output = run("--helpers", "no/such")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "--helpers no/such: there is no directory" in output

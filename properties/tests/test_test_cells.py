"""A function that reads what only a test cell of its notebook defines is told so."""

from collections.abc import Callable

import numpy as np
import pytest

from properties.implementations.calls import Raised
from properties.implementations.implementation import Implementation
from properties.tests.hostile_targets import notebook
from properties.worker.targets import Unusable

Implement = Callable[..., Implementation]

IMPORTS = "import numpy as np\nfrom rnn_utils import *"
CELL = "def lstm_cell_backward(da_next, dc_next, cache):\n    return {}\n"
TESTS = "np.random.seed(1)\nWf = np.random.randn(2, 3)\nparameters_tmp = {}\nparameters_tmp['Wf'] = Wf * 2\n"
ONLY = "is defined only in In [9], a cell that is not part of the functions"


def raised_by(implementation: Implementation) -> str:
    outcome = implementation.call("lstm_cell_backward", [np.zeros((1, 1)), np.zeros((1, 1)), ()])
    assert isinstance(outcome, Raised)
    return f"{outcome.type_name}: {outcome.message}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("Wf.T", f"NameError: name 'Wf' is not defined; Wf {ONLY}"),
        ("parameters_tmp['Wf'].T", f"KeyError: 'Wf'; parameters_tmp {ONLY}"),
        ("{}['Wf']", "KeyError: 'Wf'"),
        ("{}[parameters_tmp]", "TypeError: unhashable type: 'dict'"),
        ("Wi.T", "NameError: name 'Wi' is not defined"),
        ("softmax(Wf)", f"NameError: name 'Wf' is not defined; Wf {ONLY}"),
    ],
)
def test_a_name_of_a_test_cell_is_told(implement: Implement, code: str, said: str) -> None:
    cells = notebook(IMPORTS, CELL.format(code), TESTS, counts=(7, 8, 9))
    assert raised_by(implement(cells, "a.ipynb")) == said


def test_in_an_exported_notebook_the_cell_is_named_by_its_line(implement: Implement) -> None:
    exported = f"# In[1]:\n{IMPORTS}\n# In[2]:\n{CELL.format('Wf')}# In[3]:\n{TESTS}"
    told = raised_by(implement(exported))
    assert told.endswith("; Wf is defined only in line 9, a cell that is not part of the functions")


def test_a_name_that_some_definition_binds_is_not_blamed_on_a_test_cell(implement: Implement) -> None:
    cells = notebook("import numpy as np\nWf = 3", CELL.format("Wf.T"), TESTS, counts=(7, 8, 9))
    assert raised_by(implement(cells, "a.ipynb")) == "AttributeError: 'int' object has no attribute 'T'"


def test_parameters_are_not_taken_for_names_of_a_missing_module(implement: Implement) -> None:
    loaded = implement(f"{IMPORTS}\n{CELL.format('Wf, Wi, bo')}")
    assert raised_by(loaded) == "NameError: name 'Wf' is not defined"
    with pytest.raises(Unusable, match=r"it needs smooth of 'rnn_utils' \(line 2\)"):
        implement(f"{IMPORTS}\n{CELL.format('smooth(Wf)')}", "b.py").load()


HOSTILE = """
class Text(str):
    def __add__(self, other): raise SystemExit
    __getitem__ = __format__ = __add__

class Wrong({error}):
    def __str__(self): return Text("name 'Wf' is not defined")
    {more}

def lstm_cell_backward(da_next, dc_next, cache):
    raise Wrong("Wf")
"""


@pytest.mark.parametrize("error", ["KeyError", "NameError", "BaseException"])
@pytest.mark.parametrize("more", ["", "__traceback__ = property(lambda self: 1 / 0)", "__traceback__ = 3"])
def test_an_error_that_resists_is_told_all_the_same(implement: Implement, error: str, more: str) -> None:
    source = HOSTILE.format(error=error, more=more)
    target = implement(notebook(source, "Wf = print()"), "a.ipynb")
    assert raised_by(target).startswith("Wrong: ")

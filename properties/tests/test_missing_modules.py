"""The message on a missing module names the importing line, and a remedy that helps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from properties.implementations.implementation import Implementation
from properties.worker.targets import Unusable

Implement = Callable[..., Implementation]

FORWARD = "def rnn_forward(x, a0, parameters): return {}(x)\n"
ENVIRONMENT = "a module that is not there: name an environment that has it by --python PATH"
FOLDER = "a module that is not there: name a folder that has it by --helpers DIR, or an environment"


@pytest.mark.parametrize(
    ("imports", "why"),
    [
        ("from rnn_utils import smooth", f"it needs smooth of 'rnn_utils' (line 1), {FOLDER}"),
        ("from rnn_utils.a import smooth", f"it needs smooth of 'rnn_utils' (line 1), {FOLDER}"),
        ("from theano import smooth", f"it needs smooth of 'theano' (line 1), {ENVIRONMENT}"),
        ("from theano.no import smooth", f"it needs smooth of 'theano' (line 1), {ENVIRONMENT}"),
        ("from json.no import smooth", f"it needs smooth of 'json.no' (line 1), {ENVIRONMENT}"),
    ],
)
def test_a_folder_of_helpers_is_suggested_where_it_helps(
    implement: Implement, imports: str, why: str
) -> None:
    with pytest.raises(Unusable) as caught:
        implement(f"{imports}\n{FORWARD.format('smooth')}").load()
    assert why in str(caught.value)


@pytest.mark.parametrize("imports", ["from lower import *", "from lower import smooth", "import lower"])
def test_a_module_that_another_one_needs_is_told_as_such(
    implement: Implement, tmp_path: Path, imports: str
) -> None:
    called = "lower.smooth" if imports == "import lower" else "smooth"
    (tmp_path / "lower.py").write_text("import math\nfrom theano import no_such\ndef smooth(x): return x\n")
    with pytest.raises(Unusable) as caught:
        implement(f"{imports}\n{FORWARD.format(called)}").load()
    assert f"it needs 'theano' (lower.py:2, imported in line 1), {ENVIRONMENT}" in str(caught.value)

"""Which functions a target is asked for: those that it has, whatever its text mentions."""

from pathlib import Path

import pytest

from properties.implementations.process_start import Settings
from properties.session.target_options import Targets, judged_functions
from properties.worker.targets import Unusable
from reference.contract import FUNCTIONS, LAYERS

LAYER = '"""See lstm_forward."""\ndef {}(x, a0, parameters, options): return ops.rnn_forward_training(x)\n'
FORWARD = "def rnn_forward(x, a0, parameters): return x\n"
FOUR = {*FUNCTIONS}


@pytest.mark.parametrize(
    ("source", "functions"),
    [
        (LAYER.format("rnn_layer"), {"rnn_layer"}),
        (LAYER.format("rnn_layer") + FORWARD, {"rnn_layer", *FOUR}),
        (FORWARD + '"""There is no rnn_layer here."""', FOUR),
        ("from layers import *\n", {"rnn_layer"}),
        ("vars()['rnn_' + 'layer'] = print\n", {"rnn_layer"}),
        ("import no_such\n" + LAYER.format("rnn_layer").replace("ops", "no_such"), FOUR),
        ("import ops\n" + LAYER.format("rnn_layer") + "def lstm_layer(*x): return print", {*LAYERS}),
        ("def f(): import rnn_layer", FOUR),
    ],
)
def test_a_target_is_asked_for_what_it_has(tmp_path: Path, source: str, functions: set[str]) -> None:
    (tmp_path / "layers.py").write_text(LAYER.format("rnn_layer"))
    (tmp_path / "target.py").write_text(source)
    assert judged_functions("target.py", Targets(Settings(directory=tmp_path))) == functions


def test_a_target_that_could_not_be_imported_stays_so_for_the_laws(tmp_path: Path) -> None:
    """Otherwise it would be judged by the four functions, for which it was asked, and called incomplete."""
    once = "import os\nif os.path.exists('here'): os._exit(3)\n"
    (tmp_path / "here").mkdir()
    (tmp_path / "target.py").write_text(once + LAYER.format("rnn_layer"))
    targets = Targets(Settings(directory=tmp_path))
    assert judged_functions("target.py", targets) == FOUR
    (tmp_path / "here").rmdir()
    with pytest.raises(Unusable):
        targets.implementation("target.py").load()

"""--weights: layers are judged with the parameters of a file."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oracle.problems.problem import Problem
from oracle.weights.conversion import to_torch
from properties.tests.runs import CLONE, run

pytestmark = pytest.mark.slow

PORT = """
import sys
sys.path.append({here!r})
import numpy as np, reference
from oracle.checkpoints import only_layer
OWN = only_layer({weights!r}).parameters


def lstm_layer(x, a0, c0, parameters, options):
    own = [{{name: array.astype(x.dtype) for name, array in changed(p).items()}} for p in OWN]
    return reference.lstm_layer(x, a0, c0, own, options)


def changed(p):
    return p
"""


@pytest.fixture
def weights(tmp_path: Path) -> str:
    sizes = {"n_x": 3, "n_a": 4, "m": 1, "T_x": 1, "layers": 2, "directions": 2, "dtype": "float32"}
    inputs = Problem.lstm_layer(**sizes).inputs("lstm_layer")
    np.savez(tmp_path / "model.npz", **to_torch("lstm", inputs.parameters, 2))  # type: ignore[arg-type]
    return str(tmp_path / "model.npz")


QUICK = ("--hypothesis-profile", "quick")


def test_the_reference_is_right_with_the_weights_of_a_file(weights: str) -> None:
    """Takes a second: a whole run."""
    status, output = run("--weights", weights, *QUICK)
    assert status == 0, output
    assert len(re.findall(r"grade +lstm layer$", output, re.MULTILINE)) == 2  # forward and backward
    assert "rnn" not in output.partition("problems on which each law holds")[2]
    assert re.search(rf'weights="{weights}", digest="\w{{12}}", m=', output)
    assert re.search(r"backward direction +spec +–", output)  # which is about one layer
    assert re.search(r"trajectory +spec +\d+", output)


def test_a_port_with_weights_of_its_own_is_judged_and_its_mistake_named(weights: str, tmp_path: Path) -> None:
    """Takes seconds: three whole runs, of which two explain a failure."""
    right = PORT.format(here=str(CLONE), weights=weights)
    (tmp_path / "port.py").write_text(right)
    chosen = ("--implementation", str(tmp_path / "port.py"), "-k", "trajectory or each_step or composition")
    status, output = run(*chosen[:2], "-m", "spec", *QUICK, "--weights", weights)
    assert status == 0, output
    for law in ("composition", "backward direction", "identity projection"):  # of other networks than its own
        assert re.search(rf"{law} +spec +–", output)
    wrong = right.replace(
        "return p\n", "return {**p, 'Wi': p['Wo'], 'Wo': p['Wi'], 'bi': p['bo'], 'bo': p['bi']}\n"
    )
    (tmp_path / "port.py").write_text(wrong)
    status, output = run(*chosen, *QUICK, "--weights", weights)
    assert re.search(r"looks like +the update gate and the output gate are exchanged", output)
    problem = re.search(r"^  problem +(.*)$", output, re.MULTILINE)
    assert problem
    again = run(*chosen[:2], "-k", "trajectory", "--reproduce", problem[1])
    assert again[0] == 1
    assert problem[1] in again[1]


def test_the_layout_of_weights_without_names_is_said_in_the_problem(weights: str, tmp_path: Path) -> None:
    """Takes a second: a whole run."""
    with np.load(weights) as file:
        unnamed = {f"arr_{k}": file[name] for k, name in enumerate(file.files[:4])}
    np.savez(tmp_path / "unnamed.npz", **unnamed)
    chosen = ("--weights", str(tmp_path / "unnamed.npz"), "--layout", "torch", "-k", "trajectory")
    status, output = run(*chosen)
    assert status == 0, output
    line = re.search(r"Problem\.lstm_layer\(weights=.*?, layout=\"torch\", digest=.*?\)", output)
    assert line
    assert repr(eval(line[0], {"Problem": Problem})) == line[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--layout", "torch"], "--layout needs --weights, the file whose layout it states"),
        (["--weights", "nowhere.npz"], "nowhere.npz: there is no such file"),
        (["--weights", "{weights}:other"], "no layer in it begins with other"),
        (["--weights", "{weights}", "--implementation", "{here}/examples/textbook.py"], "has no lstm_layer"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_in_one_line(
    weights: str, given: list[str], message: str
) -> None:
    status, output = run(*(each.format(weights=weights, here=CLONE) for each in given))
    assert status == 4
    assert message in output
    assert "Traceback" not in output


def test_weights_that_no_request_can_hold_are_refused(tmp_path: Path) -> None:
    n = 2100
    names: dict[str, Any] = {
        "weight_ih_l0": np.zeros((4 * n, 1), "f"),
        "weight_hh_l0": np.zeros((4 * n, n), "f"),
    }
    np.savez_compressed(tmp_path / "large.npz", **names)
    status, output = run("--weights", str(tmp_path / "large.npz"), "-k", "lstm_layer")
    assert status == 4
    assert "has 17,656,800 weights, and at most 16,777,216 can be judged" in output


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # which torch runs by another kernel
@pytest.mark.parametrize("projection", [0, 3])
def test_a_network_that_was_trained_is_judged(tmp_path: Path, projection: int) -> None:
    """Takes a second: a network is trained, and a whole run judges it."""
    torch.manual_seed(0)
    model = torch.nn.LSTM(3, 6, num_layers=2, bidirectional=True, proj_size=projection)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    x = torch.randn(12, 16, 3)
    for _ in range(40):  # to tell the sum of what it has heard, which takes large weights
        optimizer.zero_grad()
        loss = (model(x)[0].mean(dim=2) - x.cumsum(dim=0)[:, :, 0].tanh()).square().mean()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), tmp_path / "model.pt")
    chosen = ("-k", "trajectory or each_step or split", *QUICK)
    status, output = run("--weights", str(tmp_path / "model.pt"), *chosen)
    assert status == 0, output
    assert re.search(r"each step +spec +\d+", output)

"""`rnn-crosscheck MODEL.onnx --against MODULE:FACTORY` names the mistake in each wrong node."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from properties.session import parity
from properties.tests.exported_models import (  # noqa: F401
    Arrays,
    _here,
    changed,
    exported,
    folder,
    judged,
    nodes,
    onnx,
)
from properties.tests.runs import CLONE

NODES = ["/encoder/LSTM", "/encoder/LSTM_1", "/decoder/RNN"]
MODULES = ["encoder, layer 0", "encoder, layer 1", "decoder"]


@pytest.mark.parametrize("against", ["original_model.py:make", "original_model:make"])
def test_a_right_export_is_right(against: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, sentence = judged(capsys, "model.onnx", "--against", against)
    assert status == 0
    assert [row[:2] for row in rows] == [*map(list, zip(NODES, MODULES, strict=True))]
    assert [" ".join(row[2:6]) for row in rows] == ["LSTM 3 4 2", "LSTM 8 4 2", "RNN 8 4 1"]
    assert [row[6] for row in rows] == ["the same"] * 3
    assert all(float(row[7]) < 1e-5 and 0 < float(row[8]) < 1 for row in rows)
    assert [row[9] for row in rows] == ["right"] * 3
    assert sentence == "Every recurrent node is right for its inputs."


def of_node(k: int, change: Callable[[Arrays], None]) -> Callable[[Any, Arrays], None]:
    """Return a change of `W`, `R` and `B` of a node, in place."""

    def changing(graph: Any, arrays: Arrays) -> None:
        change({letter: arrays[name] for letter, name in zip("WRB", nodes(graph)[k].input[1:4], strict=True)})

    return changing


def exchanged(own: Arrays, directions: Any = slice(None)) -> None:
    """Exchange the first and the third of ONNX's gates, i and f."""
    rows = [8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15]
    for letter in "WR":
        own[letter][directions] = own[letter][directions][..., rows, :]
    own["B"][directions] = own["B"][directions][..., [*rows, *(16 + row for row in rows)]]


def transposed(own: Arrays) -> None:
    own["R"][:] = own["R"].reshape(-1, 4, 4, 4).swapaxes(2, 3).reshape(own["R"].shape)


def rounded(own: Arrays) -> None:
    for array in own.values():
        array[:] = torch.from_numpy(array).bfloat16().float().numpy()


def with_bias_hh_zero(own: Arrays) -> None:
    own["B"][:, own["B"].shape[1] // 2 :] = 0


def without_forget_bias(own: Arrays) -> None:
    own["B"][0, 8:12] = own["B"][0, 24:28] = 0


def with_directions_exchanged(own: Arrays) -> None:
    for array in own.values():
        array[:] = array[::-1].copy()


def with_another_number(own: Arrays) -> None:
    own["R"][0, 1, 2] += 0.5


GATES = "the update gate and the forget gate are exchanged"
WRONG: dict[str, tuple[int, Callable[[Arrays], None], str]] = {
    "gates": (1, exchanged, GATES),
    "gates of the first": (0, exchanged, GATES),
    "gates backward": (0, lambda own: exchanged(own, 1), f"backward: {GATES}"),
    "bias": (0, with_bias_hh_zero, "bias_hh is left out"),
    "bias of an RNN": (2, with_bias_hh_zero, "bias_hh is left out"),
    "bias of a gate": (1, without_forget_bias, "forward: bf is left out"),
    "transposed": (1, transposed, "the weights of a_prev are transposed"),
    "bfloat16": (0, rounded, "the parameters are rounded to bfloat16"),
    "directions": (1, with_directions_exchanged, "each direction uses the parameters of the other"),
    "a number": (2, with_another_number, "Waa differ, by up to 0.5"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_node_is_named_with_its_mistake(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    k, change, weights = WRONG[name]
    file = changed(of_node(k, change))
    status, rows, sentence = judged(capsys, file, "--against", "original_model:make")
    assert status == 1
    assert [row[6] for row in rows] == [weights if i == k else "the same" for i in range(3)]
    assert [row[9] for row in rows] == ["wrong" if i == k else "right" for i in range(3)]
    assert float(rows[k][8]) > 1
    assert sentence == f"The first wrong row is {NODES[k]}."


def test_the_page_shows_the_printed_table(capsys: pytest.CaptureFixture[str]) -> None:
    page = (CLONE / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```\n\$ rnn-crosscheck (.*?)\n(.*?)```$", page, re.MULTILINE | re.DOTALL)
    changed(of_node(1, exchanged))
    parity.main(shown[0].split())

    def plain(text: str) -> list[str]:
        """Remove figures, which depend on the machine, and spaces."""
        return re.sub(r"\d[\d.e+-]*|[ \n]+", " ", text).split()

    assert plain(shown[1]) == plain(capsys.readouterr().out)


def test_of_two_wrong_nodes_the_first_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def both(graph: Any, arrays: Arrays) -> None:
        of_node(1, exchanged)(graph, arrays)
        of_node(2, with_another_number)(graph, arrays)

    _, rows, sentence = judged(capsys, changed(both), "--against", "original_model:make")
    assert [row[9] for row in rows] == ["right", "wrong", "wrong"]
    assert sentence == "The first wrong row is /encoder/LSTM_1."


def test_other_weights_are_reported_even_if_the_outputs_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    def by_an_ulp(own: Arrays) -> None:
        own["R"][0, 1, 2] = np.nextafter(own["R"][0, 1, 2], np.float32(1))

    status, rows, _ = judged(capsys, changed(of_node(0, by_an_ulp)), "--against", "original_model:make")
    assert status == 1
    assert rows[0][9] == "other weights"
    assert float(rows[0][8]) < 1


def bias_changed(name: str) -> Callable[[Any, Arrays], None]:
    """Return a change of the bias of a linear layer."""

    def changing(graph: Any, arrays: Arrays) -> None:
        arrays[f"{name}.bias"] += 0.25

    return changing


def test_a_node_after_a_difference_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    file = changed(bias_changed("before"))
    status, rows, sentence = judged(capsys, file, "--against", "original_model:make")
    assert status == 1
    assert [row[9] for row in rows] == ["right"] * 3
    assert float(rows[0][7]) == pytest.approx(0.25, rel=0.05)
    assert sentence == (
        "Every recurrent node is right for its inputs; the models differ before /encoder/LSTM: "
        "x differs by 0.25."
    )


def test_a_difference_after_the_last_node_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, sentence = judged(
        capsys, changed(bias_changed("after")), "--against", "original_model:make"
    )
    assert status == 1
    assert [row[9] for row in rows] == ["right"] * 3
    assert sentence.endswith("; the models differ after the last recurrent node: output 0 differs by 0.25.")


def attribute(k: int, **given: Any) -> Callable[[Any, Arrays], None]:
    def changing(graph: Any, arrays: Arrays) -> None:
        node = nodes(graph)[k]
        kept = [each for each in node.attribute if each.name not in given]
        del node.attribute[:]
        node.attribute.extend([*kept, *(onnx.helper.make_attribute(*each) for each in given.items())])

    return changing


@pytest.mark.parametrize(
    ("k", "given", "remark"),
    [
        (0, {"clip": 0.5}, "clip is 0.5"),
        (2, {"activations": ["Tanh"]}, "tanh is used in place of relu"),
        (2, {"direction": "reverse"}, "direction is reverse"),
    ],
)
def test_other_attributes_are_reported(
    k: int, given: Any, remark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, rows, _ = judged(capsys, changed(attribute(k, **given)), "--against", "original_model:make")
    assert status == 1
    assert rows[k][6] == remark
    assert [row[9] for row in rows] == ["wrong" if i == k else "right" for i in range(3)]

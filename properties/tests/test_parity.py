"""The command `rnn-crosscheck MODEL.onnx --against MODULE:FACTORY`: each mistake in the node where it is."""

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.parity import original
from oracle.parity.judging import compare
from oracle.parity.passage import difference
from properties.session import command, parity
from properties.tests.environments import CLONE

onnx = pytest.importorskip("onnx", reason="onnx reads and changes the exported models")
pytest.importorskip("onnxruntime", reason="ONNX Runtime runs the exported models")

MODULE = dedent(
    """
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(11, 5)
            self.before = torch.nn.Linear(5, 3)
            self.encoder = torch.nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True)
            self.decoder = torch.nn.RNN(8, 4, nonlinearity="relu", batch_first=True)
            self.after = torch.nn.Linear(4, 2)

        def forward(self, tokens):
            hidden, _ = self.encoder(self.before(self.embedding(tokens)))
            return self.after(self.decoder(hidden)[0])

    def make():
        torch.manual_seed(0)
        return Model()

    def with_examples():
        torch.manual_seed(1)
        return make(), torch.randint(0, 11, (3, 5))

    def number():
        return 3

    def broken():
        raise KeyError("weights.pt")

    def linear():
        return torch.nn.Linear(2, 2)

    def two():
        return make(), (torch.ones(2, 3), torch.ones(2, 3))

    def wrong_shape():
        return make(), torch.zeros(2, 3, 4, dtype=torch.int64)

    def smaller():
        model = make()
        model.encoder = torch.nn.LSTM(3, 4, 1, bidirectional=True, batch_first=True)
        return model
    """
)


def exported(module: torch.nn.Module, examples: tuple[Any, ...], path: Path, **options: Any) -> Path:
    """By the exporter of scripts, which takes no time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), examples, path, dynamo=False, **options)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a module, and what was exported from it."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "original_model.py").write_text(MODULE)
    found: dict[str, Any] = {}
    exec(MODULE, found)
    axes = {"tokens": {0: "batch", 1: "time"}}
    examples = (torch.zeros(2, 3, dtype=torch.int64),)
    exported(found["make"](), examples, folder / "model.onnx", input_names=["tokens"], dynamic_axes=axes)
    return folder


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "original_model", raising=False)


Arrays = dict[str, np.ndarray]


def changed(change: Callable[[Any, Arrays], None], name: str = "changed.onnx") -> str:
    """A copy of the model in which the arrays, by name, and the graph are changed."""
    model = onnx.load("model.onnx")
    arrays = {each.name: np.array(onnx.numpy_helper.to_array(each)) for each in model.graph.initializer}
    change(model.graph, arrays)
    del model.graph.initializer[:]
    model.graph.initializer.extend(onnx.numpy_helper.from_array(a, each) for each, a in arrays.items())
    onnx.save(model, name)
    return name


def nodes(graph: Any) -> list[Any]:
    return [node for node in graph.node if node.op_type in ("LSTM", "RNN")]


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[list[str]], str]:
    """The status, the cells of every row, and the sentence."""
    status = parity.main([*arguments])
    _, *rows, sentence = capsys.readouterr().out.splitlines()
    return status, [re.split(" {2,}", row.strip()) for row in rows], sentence


NODES = ["/encoder/LSTM", "/encoder/LSTM_1", "/decoder/RNN"]
MODULES = ["encoder, layer 0", "encoder, layer 1", "decoder"]


@pytest.mark.parametrize("against", ["original_model.py:make", "original_model:with_examples"])
def test_a_right_export_is_right(against: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, sentence = judged(capsys, "model.onnx", "--against", against)
    assert status == 0
    assert [row[:2] for row in rows] == [*map(list, zip(NODES, MODULES, strict=True))]
    assert [" ".join(row[2:6]) for row in rows] == ["LSTM 3 4 2", "LSTM 8 4 2", "RNN 8 4 1"]
    assert [row[6] for row in rows] == ["the same"] * 3
    assert all(float(row[7]) < 1e-5 and 0 < float(row[8]) < 1 for row in rows)
    assert [row[9] for row in rows] == ["right"] * 3
    assert sentence == "Every recurrent node is right on what it was given; and so is what the model returns."


def of_node(k: int, change: Callable[[Arrays], None]) -> Callable[[Any, Arrays], None]:
    """Changes `W`, `R` and `B` of a node, in place."""

    def changing(graph: Any, arrays: Arrays) -> None:
        change({letter: arrays[name] for letter, name in zip("WRB", nodes(graph)[k].input[1:4], strict=True)})

    return changing


def exchanged(own: Arrays, directions: Any = slice(None)) -> None:
    """The first and the third of ONNX' gates, i and f."""
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
    "directions": (1, with_directions_exchanged, "the directions have each other's parameters"),
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
    assert sentence.startswith(
        f"The first wrong node is {NODES[k]} ({MODULES[k]}): {weights}; its output is "
    )
    assert "part" not in sentence


def test_the_page_shows_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (CLONE / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```\n\$ rnn-crosscheck (.*?)\n(.*?)```$", page, re.MULTILINE | re.DOTALL)
    changed(of_node(1, exchanged))
    parity.main(shown[0].split())

    def plain(text: str) -> list[str]:
        """Without figures, which depend on the machine, and the widths that they have."""
        return re.sub(r"\d[\d.e+-]*|[ \n]+", " ", text).split()

    assert plain(shown[1]) == plain(capsys.readouterr().out)


def test_of_two_wrong_nodes_the_first_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def both(graph: Any, arrays: Arrays) -> None:
        of_node(1, exchanged)(graph, arrays)
        of_node(2, with_another_number)(graph, arrays)

    _, rows, sentence = judged(capsys, changed(both), "--against", "original_model:make")
    assert [row[9] for row in rows] == ["right", "wrong", "wrong"]
    assert sentence.startswith("The first wrong node is /encoder/LSTM_1 ")


def test_weights_that_make_no_difference_here_are_still_others(capsys: pytest.CaptureFixture[str]) -> None:
    def by_an_ulp(own: Arrays) -> None:
        own["R"][0, 1, 2] = np.nextafter(own["R"][0, 1, 2], np.float32(1))

    status, rows, sentence = judged(
        capsys, changed(of_node(0, by_an_ulp)), "--against", "original_model:make"
    )
    assert status == 1
    assert rows[0][9] == "other weights"
    assert float(rows[0][8]) < 1
    assert "its output is in its bound" in sentence


def part_scaled(name: str) -> Callable[[Any, Arrays], None]:
    """With the bias of a linear layer wrong."""

    def changing(graph: Any, arrays: Arrays) -> None:
        arrays[f"{name}.bias"] += 0.25

    return changing


def test_what_is_wrong_before_a_node_is_not_held_against_it(capsys: pytest.CaptureFixture[str]) -> None:
    file = changed(part_scaled("before"))
    status, rows, sentence = judged(capsys, file, "--against", "original_model:make")
    assert status == 1
    assert [row[9] for row in rows] == ["right"] * 3
    assert float(rows[0][7]) == pytest.approx(0.25, rel=0.05)
    assert sentence == (
        "Every recurrent node is right on what it was given; the two models part before /encoder/LSTM: "
        "x differs by 0.25."
    )


def test_what_is_wrong_after_the_last_node_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, sentence = judged(capsys, changed(part_scaled("after")), "--against", "original_model:make")
    assert status == 1
    assert [row[9] for row in rows] == ["right"] * 3
    assert sentence.endswith("; the two models part after the last recurrent node: output 0 differs by 0.25.")


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
        (0, {"clip": 0.1}, "it has clip"),
        (2, {"activations": ["Tanh"]}, "tanh stands for relu"),
        (2, {"direction": "reverse"}, "it runs from the last step back"),
    ],
)
def test_other_attributes_are_told(
    k: int, given: Any, remark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, rows, _ = judged(capsys, changed(attribute(k, **given)), "--against", "original_model:make")
    assert status == 1
    assert rows[k][6] == remark
    assert [row[9] for row in rows] == ["wrong" if i == k else "right" for i in range(3)]


# What stands for what.


class Twins(torch.nn.Module):
    """Two layers of the same sizes, the first of which is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = torch.nn.LSTM(4, 4), torch.nn.LSTM(4, 4)

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        y, _ = self.one(x, (h, c))
        z, states = self.two(y)
        return self.one(z, states)


def twins() -> tuple[Twins, tuple[torch.Tensor, ...]]:
    torch.manual_seed(3)
    return Twins(), (torch.randn(5, 2, 4), torch.randn(1, 2, 4), torch.randn(1, 2, 4))


def test_a_layer_that_is_used_twice_is_two_nodes(tmp_path: Path) -> None:
    module, examples = twins()
    found = compare(exported(module, examples, tmp_path / "m.onnx"), module, examples)
    assert found.is_right
    assert [row.layer and row.layer.name for row in found.rows] == ["one", "two", "one"]
    assert all(np.abs(row.node.inputs.a0).max() > 0 for row in found.rows[::2] if row.node)


def test_layers_that_have_each_other_s_weights_are_told_so(tmp_path: Path) -> None:
    module, examples = twins()
    module.one, module.two = module.two, module.one
    path = exported(module, examples, tmp_path / "m.onnx")
    found = compare(path, twins()[0], examples)
    assert [(row.layer and row.layer.name, row.weights, row.verdict) for row in found.rows] == [
        ("one", "those of two", "wrong"),
        ("two", "those of one", "wrong"),
        ("one", "those of two", "wrong"),
    ]


def test_initial_states_that_are_lost_are_told(tmp_path: Path) -> None:
    module, examples = twins()
    path = exported(module, examples, tmp_path / "m.onnx")
    model = onnx.load(path)
    nodes(model.graph)[2].input[5] = ""
    onnx.save(model, path)
    found = compare(path, module, examples)
    assert [row.verdict for row in found.rows] == ["right"] * 3
    assert re.search(r"part before /one_1/LSTM: a0 differs by 0\.\d+\.$", found.sentence), found.sentence
    assert not found.is_right


def test_a_layer_without_a_node_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, sentence = judged(capsys, "model.onnx", "--against", "original_model:smaller")
    assert status == 1
    assert [row[-1] for row in rows] == ["wrong", "no module", "right"]
    assert sentence.startswith("The first wrong node is /encoder/LSTM ")


class Branches(torch.nn.Module):
    """Two layers of the same sizes on one input."""

    def __init__(self, *, turned: bool = False) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.one, self.two = torch.nn.LSTM(3, 4), torch.nn.LSTM(3, 4)
        self.turned = turned

    def forward(self, x: torch.Tensor) -> Any:
        if self.turned:
            two, one = self.two(x)[0], self.one(x)[0]
        else:
            one, two = self.one(x)[0], self.two(x)[0]
        return one - two


def test_branches_may_stand_in_another_order(tmp_path: Path) -> None:
    path = exported(Branches(turned=True), (torch.ones(5, 2, 3),), tmp_path / "m.onnx")
    found = compare(path, Branches())
    assert [row.layer and row.layer.name for row in found.rows] == ["two", "one"]
    assert found.is_right, found.sentence


def test_a_node_in_a_branch_is_passed_over_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    def in_a_branch(graph: Any, arrays: Arrays) -> None:
        node = nodes(graph)[2]
        inner = onnx.helper.make_graph([node], "b", [], [onnx.ValueInfoProto(name=node.output[0])])
        arrays["yes"] = np.array(True)
        branching = onnx.helper.make_node(
            "If", ["yes"], [node.output[0]], then_branch=inner, else_branch=inner
        )
        node.CopyFrom(branching)

    file = changed(in_a_branch)
    status, rows, sentence = judged(capsys, file, "--against", "original_model:make")
    assert status == 1
    assert [row[-1] for row in rows[:3]] == ["right", "right", "no node"]
    why = "passed over: /decoder/RNN: it stands in a branch or a loop, where it is not seen"
    assert rows[3:] == [[why]] * 2
    assert sentence == "decoder of the original has no node of its sizes."


class Packed(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.lstm = torch.nn.LSTM(3, 4, 2, bidirectional=True)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed, (h, c))[0], total_length=8)[0]

    def examples(self) -> tuple[torch.Tensor, ...]:
        states = torch.randn(2, 4, 3, 4)
        return torch.randn(8, 3, 3), torch.tensor([2, 6, 4]), states[0], states[1]


def test_packed_sequences_are_compared_as_they_are_packed(tmp_path: Path) -> None:
    module = Packed()
    examples = module.examples()
    found = compare(exported(module, examples, tmp_path / "m.onnx"), module, examples)
    assert found.is_right, found.sentence
    assert [row.weights or row.verdict for row in found.rows] == ["right"] * 2
    node = found.rows[0].node
    assert node
    assert [*node.inputs.ends] == [6, 4, 2]


def test_lengths_that_are_lost_are_told(tmp_path: Path) -> None:
    module = Packed()
    examples = module.examples()
    path = exported(module, examples, tmp_path / "m.onnx")
    model = onnx.load(path)
    for node in nodes(model.graph):
        node.input[4] = ""
    onnx.save(model, path)
    found = compare(path, module, examples)
    assert [row.verdict for row in found.rows] == ["right"] * 2
    assert found.sentence.endswith("; the two models part before /lstm/LSTM: the lengths are others.")


def test_example_inputs_may_be_given_by_name(tmp_path: Path) -> None:
    module, (x, h, c) = twins()
    path = exported(module, (x, h, c), tmp_path / "m.onnx", input_names=["x", "h", "c"])
    assert compare(path, module, {"c": c, "h": h, "x": x}).is_right


def test_another_number_of_outputs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def with_more(graph: Any, arrays: Arrays) -> None:
        graph.output.append(onnx.ValueInfoProto(name=nodes(graph)[2].output[0]))

    status, _, sentence = judged(capsys, changed(with_more), "--against", "original_model:make")
    assert status == 1
    assert sentence.endswith("recurrent node: it returns 2 tensors, and the original 1.")


def test_where_rounding_grows_nobody_is_accused(tmp_path: Path) -> None:
    torch.manual_seed(6)
    module = torch.nn.RNN(3, 16)
    with torch.no_grad():
        dict(module.named_parameters())["weight_hh_l0"].mul_(20)
    examples = (torch.randn(60, 2, 3),)
    found = compare(exported(module, examples, tmp_path / "m.onnx"), module, examples)
    assert [row.verdict for row in found.rows] == ["vague"]
    assert found.is_right
    assert re.search(r"; in \S+ rounding grows: a differs by [\d.]+, within its bound\.$", found.sentence)


def test_tensors_beside_the_file_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.onnx"
    model = onnx.load("model.onnx")
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    assert judged(capsys, str(path), "--against", "original_model:make")[0] == 0
    (tmp_path / "weights").unlink()
    with pytest.raises(SystemExit):
        parity.main([str(path), "--against", "original_model:make"])
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "ONNX Runtime cannot run it: " in shown


def test_what_the_other_exporter_writes_is_judged(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="torch's newer exporter needs onnxscript")
    module, examples = twins()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), examples, tmp_path / "m.onnx", dynamo=True, verbose=False)
    found = compare(tmp_path / "m.onnx", module, examples)
    assert [row.verdict for row in found.rows] == ["right"] * 3
    assert found.is_right, found.sentence


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"bias": False}, {"proj_size": 2}])
@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.RNN])
def test_what_is_recorded_of_a_module_is_what_it_gives(kind: Any, options: Any) -> None:
    if kind is torch.nn.RNN and "proj_size" in options:
        pytest.skip("an RNN of torch has no projection")
    torch.manual_seed(0)
    module = kind(3, 4, 2, bidirectional=True, dropout=0.5, **options)
    units = ([4, 4] if kind is torch.nn.LSTM else [4]) if "proj_size" not in options else [2, 4]
    for x, batch in (
        (torch.randn(5, 2, 3), (5 if "batch_first" in options else 2,)),
        (torch.randn(5, 3), ()),
    ):
        states = tuple(torch.randn(4, *batch, n) for n in units)
        hx = states if len(states) > 1 else states[0]
        passages, (output, *last) = original.run(module, {"input": x, "hx": hx})
        assert not module._forward_pre_hooks
        a = passages[1].outputs["a"].transpose(2, 1, 0)
        a = a[:, 0] if x.dim() == 2 else a.swapaxes(0, 1) if module.batch_first else a
        np.testing.assert_allclose(output, a, rtol=1e-6, atol=1e-7)
        ends = [
            np.concatenate([p.outputs[name] for p in passages]) for name in ("a_last", "c_last")[: len(last)]
        ]
        for theirs, ours in zip(last, ends, strict=True):
            assert not difference(
                ours.reshape(4, -1, ours.shape[1]).swapaxes(1, 2).reshape(theirs.shape), theirs, ""
            ).parted


def test_what_is_not_finite_is_told_apart() -> None:
    nan, one = np.array([np.nan, 1.0]), np.array([np.inf, 1.0])
    assert not difference(nan, nan, "x").parted
    assert difference(nan, one, "x").parted
    assert difference(np.ones(2), nan, "x").largest == np.inf


# Wrong usage.


def without_nodes(graph: Any, arrays: Arrays) -> None:
    for node in nodes(graph):
        node.op_type = "Relu"


def as_gru(graph: Any, arrays: Arrays) -> None:
    for node in nodes(graph):
        node.op_type = "GRU"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "original_model:make"], "the following arguments are required: MODEL.onnx"),
        (
            ["model.onnx", "--against", "original_model:mak"],
            "original_model has no mak; did you mean 'make'?",
        ),
        (["model.onnx", "--against", "nope.py:make"], "no file 'nope.py'"),
        (["model.onnx", "--against", "nope:make"], "nope cannot be imported: ModuleNotFoundError: "),
        (["model.onnx", "--against", "original_model"], "names no function in it: MODULE:FACTORY"),
        (["model.onnx", "--against", "original_model:torch"], "original_model:torch is module, expected a f"),
        (["model.onnx", "--against", "original_model:number"], "number() returned int, expected a torch.nn."),
        (["model.onnx", "--against", "original_model:broken"], "broken() raised KeyError: 'weights.pt'"),
        (
            ["model.onnx", "--against", "original_model:linear"],
            "linear() has no torch.nn.LSTM or torch.nn.RN",
        ),
        (
            ["model.onnx", "--against", "original_model:two"],
            "there are 2 tensors in the example inputs, and mod",
        ),
        (
            ["model.onnx", "--against", "original_model:wrong_shape"],
            "the original cannot be run on the example",
        ),
        (["nope.onnx", "--against", "original_model:make"], "nope.onnx: there is no such file"),
        (["original_model.py", "--against", "original_model:make"], "it is cut short, or no .onnx file"),
        (["none.onnx", "--against", "original_model:make"], "none.onnx: it has no RNN or LSTM node"),
        (["gru.onnx", "--against", "original_model:make"], "node; there is /encoder/LSTM: a GRU"),
    ],
)
def test_wrong_usage_is_one_line_and_status_4(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(without_nodes, "none.onnx")
    changed(as_gru, "gru.onnx")
    with pytest.raises(SystemExit) as caught:
        parity.main(arguments)
    assert caught.value.code == 4
    shown = capsys.readouterr()
    assert not shown.out
    assert len(shown.err.splitlines()) == 1
    assert message in shown.err


def test_inputs_that_the_file_does_not_take_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def taking_pairs(graph: Any, arrays: Arrays) -> None:
        graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2

    with pytest.raises(SystemExit):
        parity.main([changed(taking_pairs), "--against", "original_model:with_examples"])
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "ONNX Runtime cannot run it: Got invalid dimensions for input: tokens" in shown


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_told_with_its_extra(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as caught:
        parity.main(["model.onnx", "--against", "original_model:make"])
    assert caught.value.code == 4
    assert f"needs the package {package}: pip install 'rnn-crosscheck[onnx]'" in capsys.readouterr().err


def test_the_main_command_hands_it_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--against", "original_model:make"], ["--against=original_model:make"]):
        monkeypatch.setattr(sys, "argv", ["rnn-crosscheck", "model.onnx", *words])
        assert command.main() == 0
        assert "/decoder/RNN" in capsys.readouterr().out

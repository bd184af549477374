"""Tests targets that damage their process, and the messages on them."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from oracle.problems.problem import Problem
from oracle.processes.codec import Foreign
from properties.implementations import calls, process
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.answers import answers_to
from properties.implementations.calls import Died, Raised, Request, Returned
from properties.implementations.implementation import Implementation
from reference.contract import CONTRACTS

Misbehave = Callable[..., Implementation]


def call(implementation: Implementation, function: str = "rnn_forward") -> Returned | Raised | Died:
    return implementation.call(function, [np.ones((2, 3)), 0, {}])


ODD_MESSAGE = """
class Odd(Exception):
    def __str__(self): raise SystemExit
raise Odd
"""
ODD_TEXT = """
class Text(str): ...
class Odd(Exception):
    def __str__(self): return Text("text")
raise Odd
"""
ODD_TYPE = """
class Meta(type): ...
def module(cls): raise OSError("odd")
Meta.__module__ = property(module)
return Meta("Odd", (), {})()
"""


@pytest.mark.parametrize(
    ("body", "type_name", "message", "line"),
    [
        ("raise SystemExit(3)", "SystemExit", "3", 3),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "no message", 3),
        ("raise GeneratorExit('out')", "GeneratorExit", "out", 3),
        ("input()", "EOFError", "EOF when reading a line", 3),
        ("parameters[{}]", "TypeError", "unhashable type: 'dict'", 3),
        (
            "raise KeyError(x > 0)",
            "KeyError",
            "array([[ True,  True,  True],\n       [ True,  True,  True]])",
            3,
        ),
        (
            "import numpy\nnumpy.linalg.inv(x)",
            "LinAlgError",
            "Last 2 dimensions of the array must be square",
            4,
        ),
        ("raise type('_Private', (ValueError,), {})('x' * 1000)", "ValueError", "x" * 500, 3),
        (ODD_MESSAGE, "Odd", "no message", 5),
        (ODD_TEXT, "Odd", "text", 6),
        (ODD_TYPE, "OSError", "odd", None),
    ],
)
def test_whatever_is_raised_is_told_and_the_process_lives(
    misbehave: Misbehave, body: str, type_name: str, message: str, line: int | None
) -> None:
    implementation = misbehave(body)
    outcome = call(implementation)
    assert isinstance(outcome, Raised), outcome
    assert (outcome.type_name, outcome.message) == (type_name, message)
    assert line is None or outcome.where == f"target.py:{line} in rnn_forward"
    assert isinstance(call(implementation, "lstm_forward"), Returned)


@pytest.mark.parametrize(
    "body",
    [
        "import sys\nfor _ in range(10000): print('flood'); print('flood', file=sys.stderr)",
        "import os\nos.chdir('/')",
        "import json\njson.dumps = json.loads = json.JSONEncoder.encode = json.JSONDecoder.decode = None",
        "import numpy as np\nnp.ndarray = np.asarray = np.dtype = np.errstate = np.tanh = np.exp = None",
        "import os, struct, signal\nos.read = os.write = os.getpid = struct.Struct = signal.setitimer = None",
        "import warnings\nwarnings.catch_warnings = warnings.filters = None",
        "import sys\nsys.stdout.close(); sys.stderr.close(); sys.stdin.close()",
        "import sys\nsys.modules.pop('warnings', None); sys.path.clear()",
        "import gc, threading, time\ngc.disable()\nthreading.Thread(target=time.sleep, args=(60,)).start()",
        "import sys\nsys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)",
        "import os\nos.fork()",
        "import random, numpy as np\nrandom.seed(0); np.random.seed(0)",
    ],
)
def test_what_a_target_does_to_its_process_does_not_reach_the_judge(misbehave: Misbehave, body: str) -> None:
    implementation = misbehave(f"{body}\nreturn x", before=body)
    for _ in range(3):
        outcome = call(implementation)
        assert isinstance(outcome, Returned), outcome
        assert np.array_equal(outcome.value, np.ones((2, 3)))


def test_error_states_and_warning_filters_do_not_outlive_a_call(misbehave: Misbehave) -> None:
    strict = """
import numpy, warnings
numpy.seterr(all="raise"); warnings.simplefilter("error")
"""
    body = f"""
import numpy, warnings
infinite = numpy.exp(1e4 * x)
warnings.warn("odd")
{strict}
return infinite
"""
    implementation = misbehave(body, before=strict)
    for _ in range(2):
        outcome = call(implementation)
        assert isinstance(outcome, Returned), outcome
        assert np.isinf(outcome.value).all()


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("c = ()\nfor t in range(99): c = (c, x)\nreturn (x[..., None],) * 2 + (c,)", ""),
        (
            "import numpy\nreturn numpy.broadcast_to(0.0, 2**40)",
            "returned a value that takes more than 256 MiB, expected a, y_pred",
        ),
        ("return 10**5000", "returned a value that has an integer of thousands of digits, expected a"),
        ("import numpy\nparameters['W'] = numpy.broadcast_to(0.0, 2**40)\nreturn (x[..., None],) * 2", ""),
    ],
)
def test_a_value_that_is_too_large_or_too_deep_is_not_called_an_exception(
    misbehave: Misbehave, body: str, form: str
) -> None:
    outcome = call(misbehave(body))
    assert isinstance(outcome, Returned), outcome
    with pytest.raises(MalformedError, match=re.escape(form)) if form else nullcontext():
        _ = Answer(CONTRACTS["rnn_forward"], outcome, {"n_a": 2, "n_y": 2, "m": 3, "T_x": 1}).outputs


def test_a_value_that_cannot_be_looked_at_is_foreign(misbehave: Misbehave) -> None:
    body = """
class Odd:
    def __getattribute__(self, name): raise SystemExit
    __eq__ = __len__ = __iter__ = __bool__ = __class__ = property(lambda self: 1 / 0)
caches = [1, Odd(), {1, 2}]
caches.append(caches)
return caches
"""
    outcome = call(misbehave(body))
    assert isinstance(outcome, Returned)
    assert outcome.value == [1, Foreign("target.rnn_forward.<locals>.Odd"), Foreign("set"), Foreign("itself")]


@pytest.mark.parametrize(
    "answer",
    [
        "b'\\0' * 64",
        "b'x' * 1000",
        "pack(0, ('returned', [0, 0, {}], 1, False))",
        "pack(1, ('loaded', {}))",
        "pack(2, ('returned', [0, 0, {}, 1], 1, False))",
        "pack(2, ('returned', 0, 1, False))",
        "pack(2, ('raised', 1, 2, 3))",
        "pack(2, None)",
    ],
)
def test_a_forged_answer_cannot_be_read(misbehave: Misbehave, answer: str) -> None:
    body = f"""
import os
from oracle.processes.codec import encode
from properties.worker.messages import message
pack = lambda serial, value: message(serial, encode(value))
for fd in range(3, 64):
    try: os.write(fd, {answer})
    except OSError: pass
while True: pass
"""
    implementation = misbehave(body, time_limit=60)
    assert call(implementation) == Died("sent an answer that cannot be read")


def test_an_answer_that_trickles_in_does_not_stretch_the_time_limit(misbehave: Misbehave) -> None:
    body = """
import os, time
while True:
    for descriptor in range(3, 64):
        try: os.write(descriptor, bytes(1))
        except OSError: pass
    time.sleep(0.1)
"""
    assert call(misbehave(body, time_limit=0.5)) == Died("did not answer within 0.5 s")


def test_an_answer_given_twice_is_not_taken_for_the_next(misbehave: Misbehave) -> None:
    body = """
import os
from oracle.processes.codec import encode
from properties.worker.messages import message
pack = lambda serial, value: message(serial, encode(value))
for fd in range(3, 64):
    try: os.write(fd, pack(2, ('returned', [0, 0, {}], 7, False)))
    except OSError: pass
"""
    implementation = misbehave(body)
    assert implementation.call("rnn_forward", [0, 0, {}]) == Returned(7, [0, 0, {}], False)
    for _ in range(2):
        outcome = call(implementation, "lstm_forward")
    assert isinstance(outcome, Returned)
    assert np.array_equal(outcome.value, np.ones((2, 3)))


def test_several_calls_are_answered_in_order_up_to_a_death(misbehave: Misbehave) -> None:
    body = """
import os
if x[0, 0, 0] > 3: os._exit(3)
if x[0, 0, 0] == 2: raise ValueError("two")
a0[:] = x[0, 0, 0]
return a0
"""
    implementation = misbehave(body)
    calls = [[np.full((1, 1, 1), float(i)), np.zeros((1, 1)), {}] for i in range(1, 7)]

    def outcomes(calls: list[list[Any]]) -> list[Any]:
        replies = implementation.reply_each([Request("rnn_forward", each) for each in calls])
        return [reply.outcome for reply in replies]

    one, two, three, death = outcomes(calls)
    assert isinstance(one, Returned)
    assert one.value == [[1.0]]
    assert isinstance(two, Raised)
    assert isinstance(three, Returned)
    assert three.value == [[3.0]]
    assert death == Died("exited with status 3")
    assert len(outcomes(calls[:3])) == 3


def test_large_answers_are_dropped_and_asked_again(
    misbehave: Misbehave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer has 64 KB, of which no two are held."""
    for module in (calls, process):
        monkeypatch.setattr(module, "MOST_HELD", 100_000)
    implementation = misbehave(
        "import numpy\nreturn numpy.full(8000, x[0]), COUNT.append(0) or len(COUNT)", "COUNT = []"
    )
    requests = [Request("rnn_forward", [np.full(1, float(i)), 0, {}]) for i in range(4)]
    for _ in range(2):
        replies = implementation.reply_each(requests)
        for i in (0, 1, 2, 3, 0):
            outcome = replies[i].outcome
            assert isinstance(outcome, Returned)
            assert outcome.value[0][-1] == i
            assert sum(calls._HELD.values()) < 100_000
    assert implementation._process
    answers = implementation._process.ask([each.body for each in requests], time_limit=60, folder="")
    assert [type(each) for each in answers] == [bytearray, bytes, bytes, bytes]
    number = replies[0].outcome.value[1]  # type: ignore[union-attr]
    assert number > 12
    assert replies[0].outcome.value[1] == number  # type: ignore[union-attr]


def test_a_target_that_dies_when_it_is_asked_again_has_died(
    misbehave: Misbehave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_HELD", 1)
    died = "import numpy, os\nif COUNT: os._exit(3)\nCOUNT.append(0); return numpy.zeros(8000)"
    implementation = misbehave(died, "COUNT = []")
    answers = answers_to(implementation, "rnn_forward", [Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)])
    reply = answers.reply(0)
    assert isinstance(reply.outcome, Returned)
    call(implementation, "lstm_forward")
    reply.drop()
    again = answers.reply(0)
    assert again.outcome == Died("exited with status 3")
    assert again.is_death
    assert isinstance(answers.reply(0).outcome, Returned)  # of the next process

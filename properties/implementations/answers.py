"""The answers to a question, of a function of an implementation."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

from oracle import propagation
from oracle.inputs import Inputs, LayerInputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.implementation import Implementation, Reply, Request, Returned
from properties.implementations.stepped_layer import Driven, drive_each
from properties.questions.question import Question

KEPT = 256
"""The answers to how many small questions are kept, for other laws look at the same answers."""


def ask(implementation: Implementation, function: str, problems: Sequence[Problem]) -> "Answers":
    """The answers to these problems; the same again while they are kept."""
    question = Question.of(function, problems)
    return (_kept if question.is_small else Answers)(implementation, question)


class Answers:
    """The answers to the problems of a question, and their steps; found out as late and as seldom."""

    def __init__(self, implementation: Implementation, question: Question) -> None:
        self.implementation = implementation
        self.question = question
        self._replies: dict[int, Reply] = {}
        self._answers: dict[int, Answer] = {}
        self._steps: dict[int, tuple[Inputs, Mapping[str, Bounded]]] = {}
        self._driven: Mapping[int, Driven] | None = None

    def reply(self, number: int) -> Reply:
        """What came of the call with a problem. A death is told once: then it is asked again."""
        if number not in self._replies:
            ask_all([(self, each) for each in range(number, len(self.question.problems))])
        reply = self._replies[number]
        if reply.is_death:
            del self._replies[number]
        return reply

    def digest(self, number: int) -> bytes:
        """That of the reply to a problem; empty if it is not known."""
        return self._replies[number].digest if number in self._replies else b""

    def answer(self, number: int) -> Answer:
        """What was returned for a problem; asks for no reply."""
        if number not in self._answers:
            returned = self._replies[number].outcome
            assert isinstance(returned, Returned)
            sizes = self.question.inputs[number].sizes
            limits = self.implementation.limits
            self._answers[number] = Answer(self.question.contract, returned, sizes, limits)
        return self._answers[number]

    def steps(self, number: int) -> tuple[Inputs, Mapping[str, Bounded]]:
        """The steps of a problem from the states that the answer gives, side by side, with their bounds."""
        if number not in self._steps:
            answers = dict(self._readable())
            given = self.question.inputs
            inputs = {i: given[i].steps(each.outputs["a"], each.memory) for i, each in answers.items()}
            others = {i: each for i, each in inputs.items() if each is not given[i]}
            bounds = dict(zip(others, propagation.evaluate_each([*others.values()]), strict=True))
            self._steps = {
                i: (each, bounds[i] if i in bounds else self.question.bounds[i]) for i, each in inputs.items()
            }
        return self._steps[number]

    def driven(self, number: int) -> Driven | None:
        """The steps of a problem of layers, driven with others; `None` where one is not answered.

        So it is of the first problem, whose steps nothing should come between: it is asked by itself.
        """
        if self._driven is None:
            _, *others = (each for each in self.question.inputs if isinstance(each, LayerInputs))
            self._driven = drive_each(self.implementation, self.question.contract, others)
        return self._driven.get(number - 1)

    def _readable(self) -> Iterator[tuple[int, Answer]]:
        for number, reply in self._replies.items():
            if isinstance(reply.outcome, Returned):
                answer = self.answer(number)
                try:
                    _ = answer.memory
                except MalformedError:
                    continue
                yield number, answer


_kept = lru_cache(maxsize=KEPT)(Answers)


def ask_all(those: Sequence[tuple[Answers, int]]) -> None:
    """Find out the replies to problems of one function, as far as they are not known, up to a death."""
    unknown = [(answers, number) for answers, number in those if number not in answers._replies]
    if unknown:
        implementation = unknown[0][0].implementation
        requests = [_requests(answers.question)[number] for answers, number in unknown]
        replies = implementation.reply_each(requests)
        for (answers, number), reply in zip(unknown, replies, strict=False):
            answers._replies[number] = reply


def _requests(question: Question) -> Sequence[Request]:
    """The calls with these problems, which others are asked for, too."""
    if question not in _REQUESTS:
        name = question.contract.name
        _REQUESTS[question] = [Request(name, inputs.arguments(name)) for inputs in question.inputs]
    return _REQUESTS[question]


_REQUESTS: WeakKeyDictionary[Question, Sequence[Request]] = WeakKeyDictionary()

"""The answers of an implementation to the problems of a question."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from weakref import WeakKeyDictionary

from oracle import propagation
from oracle.inputs import Inputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.implementation import Implementation, Reply, Request, Returned
from properties.questions.question import Question
from properties.strategies.effort import work

CACHED = 256
"""The number of small questions whose answers are cached, because several laws use the same answers."""


def ask(implementation: Implementation, function: str, problems: Sequence[Problem]) -> "Answers":
    """The answers to these problems; for a small question the cached object."""
    question = Question.of(function, problems)
    return (_cached if question.is_small else Answers)(implementation, question)


class Answers:
    """The answers to the problems of a question, and their steps. Each is computed once, on first access."""

    def __init__(self, implementation: Implementation, question: Question) -> None:
        self.implementation = implementation
        self.question = question
        self._replies: dict[int, Reply] = {}
        self._answers: dict[int, Answer] = {}
        self._steps: dict[int, tuple[Inputs, Mapping[str, Bounded]]] = {}

    @staticmethod
    def to_one(implementation: Implementation, function: str, problem: Problem) -> "Answers":
        """The answer to one problem, which is not cached."""
        return Answers(implementation, Question(function, [problem]))

    def reply(self, number: int) -> Reply:
        """The reply to a problem. A death is not cached: the next access repeats the call."""
        if number not in self._replies:
            ask_all([(self, each) for each in range(number, len(self.question.problems))])
        reply = self._replies[number]
        if reply.is_death:
            del self._replies[number]
        return reply

    def digest(self, number: int) -> bytes:
        """The digest of the reply to a problem; empty if there is no reply yet."""
        return self._replies[number].digest if number in self._replies else b""

    def answer(self, number: int) -> Answer:
        """The answer to a problem, whose reply must be there."""
        if number not in self._answers:
            returned = self._replies[number].outcome
            assert isinstance(returned, Returned)
            sizes = self.question.inputs[number].sizes
            limits = self.implementation.limits
            self._answers[number] = Answer(self.question.contract, returned, sizes, limits)
        return self._answers[number]

    def steps(self, number: int) -> tuple[Inputs, Mapping[str, Bounded]]:
        """Every step of a problem as one batch, each from the state in the answer; and their bounds."""
        if number not in self._steps:
            answers: dict[int, Answer] = {}
            for each, reply in self._replies.items():
                with suppress(MalformedError):
                    if isinstance(reply.outcome, Returned) and self.answer(each).memory is not None:
                        answers[each] = self.answer(each)
            given = self.question.inputs
            inputs = {i: given[i].steps(each.outputs["a"], each.memory) for i, each in answers.items()}
            others = {i: each for i, each in inputs.items() if each is not given[i]}
            bounds = dict(zip(others, propagation.evaluate_each([*others.values()]), strict=True))
            self._steps = {
                i: (each, bounds[i] if i in bounds else self.question.bounds[i]) for i, each in inputs.items()
            }
        return self._steps[number]


_cached = lru_cache(maxsize=CACHED)(Answers)


def free_cached_answers() -> None:
    """Free the cached answers of all implementations."""
    _cached.cache_clear()


def ask_all(problems: Sequence[tuple[Answers, int]]) -> None:
    """Call one function on the problems that have no reply yet, together, up to a death."""
    unknown = [(answers, number) for answers, number in problems if number not in answers._replies]
    if unknown:
        implementation = unknown[0][0].implementation
        for question in (answers.question for answers, _ in unknown):
            if question not in _REQUESTS:
                name = question.contract.name
                _REQUESTS[question] = [Request(name, inputs.arguments(name)) for inputs in question.inputs]
        requests = [_REQUESTS[answers.question][number] for answers, number in unknown]
        replies = implementation.reply_each(requests)
        most = 0.0
        for (answers, number), reply in zip(unknown, replies, strict=False):
            answers._replies[number] = reply
            most = max(most, work(answers.question.problems[number], requests[0].function))
        if implementation.took:
            history = implementation.histories[requests[0].function]
            history.measured_speed = max(history.measured_speed, most / implementation.took)


_REQUESTS: WeakKeyDictionary[Question, Sequence[Request]] = WeakKeyDictionary()
"""The calls with the problems of a question, which are encoded once for all implementations."""

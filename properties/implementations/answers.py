"""The answers of an implementation to the problems of a question, which several laws share."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from weakref import WeakKeyDictionary

from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.witnesses.bounds import bounds_on_each
from oracle.witnesses.rounding import Bounded
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.calls import Died, Reply, Request, Returned
from properties.implementations.implementation import Implementation
from properties.questions.question import Question, is_small
from properties.strategies.effort import work

MOST_CACHED = 256
"""The number of small questions whose answers are cached."""


def answers_to(implementation: Implementation, function: str, problems: Sequence[Problem]) -> "Answers":
    """The answers to these problems. The answers to a small question are cached."""
    kind = _cached_answers if is_small(problems) else Answers
    return kind(implementation, Question.of(function, problems))


class Answers:
    """The answers to the problems of a question. The function is called on first access."""

    def __init__(self, implementation: Implementation, question: Question) -> None:
        self.implementation = implementation
        self.question = question
        self._replies: dict[int, Reply] = {}
        self._steps: dict[int, tuple[Inputs, Mapping[str, Bounded]]] = {}

    @staticmethod
    def to_one(implementation: Implementation, function: str, problem: Problem) -> "Answers":
        """The answer to one problem. It is not cached."""
        return Answers(implementation, Question(function, [problem]))

    def reply(self, number: int) -> Reply:
        """The reply to a problem. A death is not kept: the next access repeats the call."""
        if number not in self._replies:
            call_all([(self, each) for each in range(number, len(self.question.problems))])
        reply = self._replies[number]
        if isinstance(reply.outcome, Died):
            del self._replies[number]
        return reply

    def digest(self, number: int) -> bytes:
        """The digest of the reply to a problem; empty if there is no reply yet."""
        return self._replies[number].digest if number in self._replies else b""

    def answer(self, number: int) -> Answer:
        """The answer to a problem whose call has returned."""
        reply = self._replies[number]
        if not reply.parsed:
            returned = reply.outcome
            assert isinstance(returned, Returned)
            sizes = self.question.inputs[number].sizes
            reply.parsed = Answer(self.question.contract, returned, sizes, self.implementation.limits)
        answer: Answer = reply.parsed
        return answer

    def steps(self, number: int) -> tuple[Inputs, Mapping[str, Bounded]]:
        """The inputs of all steps of a problem, as one batch, and the bounds on the results.

        Each step starts from the state that the implementation returned for the step before.
        """
        if number not in self._steps:
            inputs: dict[int, Inputs] = {}
            for i, reply in self._replies.items():
                with suppress(MalformedError):  # the laws on this problem report it
                    if isinstance(reply.outcome, Returned):
                        answer = self.answer(i)
                        inputs[i] = self.question.inputs[i].steps(answer.outputs["a"], answer.memory)
            # A problem of one step is its own batch of steps, and its bounds are known.
            sequences = {i: each for i, each in inputs.items() if each is not self.question.inputs[i]}
            bounds = dict(zip(sequences, bounds_on_each([*sequences.values()]), strict=True))
            self._steps = {
                i: (each, bounds[i] if i in bounds else self.question.bounds[i]) for i, each in inputs.items()
            }
        return self._steps[number]


_cached_answers = lru_cache(maxsize=MOST_CACHED)(Answers)


def free_cached_answers() -> None:
    """Free the cached answers of all implementations."""
    _cached_answers.cache_clear()


def call_all(problems: Sequence[tuple[Answers, int]]) -> None:
    """Call a function on the problems that have no reply yet, and stop after a death."""
    unanswered = [(answers, number) for answers, number in problems if number not in answers._replies]
    if not unanswered:
        return
    requests = [_requests(answers.question)[number] for answers, number in unanswered]
    implementation, function = unanswered[0][0].implementation, requests[0].function
    replies = implementation.reply_each(requests)
    history, most_work = implementation.histories[function], 0.0
    for (answers, number), reply in zip(unanswered, replies, strict=False):
        answers._replies[number] = reply
        problem_work = work(answers.question.problems[number], function)
        most_work = max(most_work, problem_work)
        if not reply.is_death:
            history.answered_work = max(history.answered_work, problem_work)
    if seconds := implementation.slowest_seconds:
        history.measured_speed = max(history.measured_speed, most_work / seconds)


def _requests(question: Question) -> Sequence[Request]:
    if question not in _REQUESTS:
        name = question.contract.name
        _REQUESTS[question] = [Request(name, inputs.arguments(name)) for inputs in question.inputs]
    return _REQUESTS[question]


_REQUESTS: WeakKeyDictionary[Question, Sequence[Request]] = WeakKeyDictionary()
"""The calls on the problems of each question, which are encoded once for all implementations."""

"""The implementation under test, run where it can do no harm."""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oracle.limits import ANYTHING, Limits
from properties.implementations.call_history import Record
from properties.implementations.process import UNREADABLE, Died, Process
from properties.implementations.reply import Outcome, Raised, Reply, Returned
from properties.implementations.request import Request
from properties.worker.arguments import Arrangement
from properties.worker.codec import CodecError, Foreign
from properties.worker.messages import Message, body
from properties.worker.targets import TargetMissing, Unusable, expand, locate
from reference.contract import CONTRACTS

__all__ = [
    "Arrangement",
    "Died",
    "Foreign",
    "Implementation",
    "Loaded",
    "Outcome",
    "Raised",
    "Reply",
    "Request",
    "Returned",
    "TargetMissing",
    "Unusable",
    "expand",
]


OFTEN = 3
"""How many waits that take a while are more than a busy machine would make."""


@dataclass(frozen=True)
class Loaded:
    """The functions that a target has, each with `None` where it takes the call of the specification, and
    otherwise with the signature that makes it another contract; and its `limits`.

    `lacking` says why some of the others cannot be used, though the target defines them, `similar` what one
    that is not there may be called instead, `notes` what was skipped when the target was loaded, `replaced`
    which functions of helper modules are right ones now, and `unfinished` where a function's code has a
    placeholder. Of a module of a framework, `understood` has the facts, and `network` the weights if it is
    trained (`oracle.modules`).
    """

    functions: Mapping[str, str | None]
    limits: Limits = ANYTHING
    lacking: Mapping[str, str] = field(default_factory=dict)
    similar: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    replaced: Sequence[str] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    understood: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)


class Implementation:
    """One target in a process of its own, which is started when first needed and again when it has died.

    `target` is a file, a module or `module:attribute`; `directory` is where relative paths begin and the
    process runs, by default the current one. Times are in seconds, memory is in bytes. `python` is the path
    of an interpreter with NumPy, `helpers` that of a folder whose modules the target finds; functions in them
    whose names are among `replaced` give way to right ones; `module` has the fields of
    `oracle.modules.ModuleOptions`. `command` is how the user has it judged, as words
    before the target. The last request `took` so long.
    """

    def __init__(
        self,
        target: str,
        *,
        directory: Path | None = None,
        time_limit: float = 5.0,
        import_time_limit: float = 20.0,
        memory_limit: int = 4 * 2**30,
        python: str = sys.executable,
        helpers: str = "",
        replaced: Sequence[str] = (),
        module: Mapping[str, Any] | None = None,
        command: Sequence[str] = ("rnn-crosscheck",),
    ) -> None:
        self.target = target
        self.command = command
        self.directory = (directory or Path()).absolute()
        self.time_limit = time_limit
        self.import_time_limit = import_time_limit
        self.records: defaultdict[str, Record] = defaultdict(Record)
        self.took = 0.0
        self._memory_limit = memory_limit
        self._python = python
        self.helpers = helpers
        self._replaced = replaced
        self._module = dict(module or {})
        self._helped: dict[Sequence[str], Implementation] = {}
        self._process: Process | None = None
        self._folder = ""
        self._loaded: Loaded | Unusable | None = None
        self._answered = False
        self._slow = 0  # how many of the waits for answers have taken a while

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def load(self) -> Loaded:
        """Import the target, once.

        Raises `TargetMissing` if it does not exist, and `Unusable` if it cannot be imported or has none
        of the four functions.
        """
        if self._loaded is None:
            try:
                _, self._loaded = self._start()
            except Unusable as error:
                self._loaded = error
        if isinstance(self._loaded, Unusable):
            raise Unusable(*self._loaded.args)
        return self._loaded

    @property
    def limits(self) -> Limits:
        """What the target declares that it does not do. Raises what `load` raises."""
        return self.load().limits

    def with_right_helpers(self, *names: str) -> "Implementation":
        """The same target, with right functions of these names in the place of its helpers'."""
        if names not in self._helped:
            self._helped[names] = Implementation(
                self.target,
                directory=self.directory,
                time_limit=self.time_limit,
                import_time_limit=self.import_time_limit,
                memory_limit=self._memory_limit,
                python=self._python,
                helpers=self.helpers,
                replaced=names,
                module=self._module,
            )
        return self._helped[names]

    def check_exists(self) -> None:
        """Raise `TargetMissing` if the target does not exist; what else may be wrong, `load` says."""
        try:
            self.load()
        except Unusable:
            return

    @property
    def may_compile(self) -> bool:
        """Whether a first call may take long: none was answered yet, or one took a while."""
        return not self._answered or self._slow > 0

    @property
    def takes_its_time(self) -> bool:
        """Whether that was so again and again: once or twice the machine may have been busy."""
        return not self._answered or self._slow >= OFTEN

    def limit(self, function: str) -> float:
        """The seconds that a call of a function has; as many as an import where it is known to compile."""
        return self.import_time_limit if self.records[function].compiles else self.time_limit

    def call(
        self,
        function: str,
        arguments: Sequence[Any],
        *,
        arrangement: Arrangement = "C",
        with_reference_cell: bool = False,
        then: Sequence[Sequence[Any]] = (),
        time_limit: float | None = None,
    ) -> Outcome:
        """Call a function once, as a `Request` says; raises what `reply_each` raises."""
        request = Request(function, arguments, arrangement, then, with_reference_cell)
        return self.reply_each([request], time_limit=time_limit)[0].outcome

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """What comes of these calls of a function, in order; a death is the last.

        Raises what `load` raises, `ValueError` for a function that the target does not have, and
        `CodecError` for arguments that are no plain values.
        """
        function = requests[0].function
        if function not in self.load().functions:
            raise ValueError(f"{self.target} has no function '{function}'")
        process = self._process
        if process is None or not process.is_alive:
            try:
                process, _ = self._start()
            except (Unusable, TargetMissing) as error:  # though it was usable before
                return [Reply.of(Died(str(error)), 0)]
        bodies = [each.body for each in requests]
        answers = process.ask(bodies, time_limit=time_limit or self.limit(function), folder=self._folder)
        self.took = process.took
        replies = [
            Reply.of(answer, request.count) for request, answer in zip(requests, answers, strict=False)
        ]
        for number, reply in enumerate(replies, 1):
            if reply.is_death:
                self.close()
                return replies[:number]
        self._answered = True
        self._slow += self.took > self.time_limit / 10
        return replies

    def close(self) -> None:
        """End the process and all that it has started. A later call starts a new one."""
        if self._process is not None:
            self._process.end()
        for helped in self._helped.values():
            helped.close()

    def _start(self) -> tuple[Process, Loaded]:
        target = locate(self.target, self.directory)
        self._folder = str(Path(target.source).parent if target.is_file else self.directory)
        process = self._process = Process(self.directory, self._memory_limit, self._python)
        again = self._loaded is not None
        place = target.source, target.attribute, str(self.directory)
        request = ("load", *place, self.helpers, [*self._replaced], self._module, again)
        error: Exception
        match _read(process.ask([body(request)], time_limit=self.import_time_limit, folder=self._folder)[0]):
            case ("loaded", dict(functions), str(folder), supports, *facts) if _are_functions(
                functions
            ) and _are_facts(facts):
                self._folder = folder
                try:
                    limits = Limits.parse({} if supports is None else supports)
                    return process, Loaded(functions, limits, *facts)
                except ValueError as wrong:
                    error = Unusable(f"{self.target}: {wrong}")
            case ("missing", str(reason)):
                error = TargetMissing(reason)
            case ("unusable", str(reason)):
                error = Unusable(f"{self.target} {reason}")
            case Died(reason, hung=hung, last_words=words, at=at):
                why = f"{reason} while it was imported" + (f" ({at})" if at else "")
                why += "; --import-time-limit allows more" if hung else ""
                why += f": {words.splitlines()[-1]}" if words else ""
                error = Unusable(f"{self.target} {why}")
            case _:
                error = Unusable(f"{self.target} {UNREADABLE}")
        process.end()
        raise error


def _read(answer: Message | Died) -> Any:
    """The value that was answered, if it can be read, or the death."""
    try:
        return answer if isinstance(answer, Died) else answer.decoded()[0]
    except CodecError:
        return Died(UNREADABLE)


def _are_functions(answer: dict[Any, Any]) -> bool:
    return bool(answer) and all(
        name in CONTRACTS and (reason is None or isinstance(reason, str)) for name, reason in answer.items()
    )


def _are_facts(facts: Sequence[Any]) -> bool:
    """Whether they are the fields of `Loaded` from `lacking` on, in their order."""
    match facts:
        case [dict(lacking), dict(similar), list(notes), list(replaced), dict(unfinished), dict(), dict()]:
            texts = [
                *notes,
                *replaced,
                *(text for said in (lacking, similar, unfinished) for text in _texts(said)),
            ]
            return all(isinstance(text, str) for text in texts)
    return False


def _texts(said: dict[Any, Any]) -> list[Any]:
    return [*said.keys(), *said.values()]

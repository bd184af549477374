"""The implementation under test, which runs in a process of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from oracle.limits import ANYTHING, Limits
from properties.implementations.calls import (
    UNREADABLE,
    CallHistory,
    Died,
    Outcome,
    Raised,
    Reply,
    Request,
    Returned,
)
from properties.implementations.process import Process
from properties.implementations.process_start import FORKS, ForkServer, Settings
from properties.worker.arguments import Arrangement
from properties.worker.codec import CodecError, Foreign, decode, encode
from properties.worker.targets import TargetFacts, TargetMissing, Unusable, expand, locate
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
    "Settings",
    "TargetMissing",
    "Unusable",
    "expand",
]


MANY_SLOW_CALLS = 3
"""The number of slow calls that a busy machine does not explain."""

SLOW_IMPORT = 1.0
"""The seconds of an import that is not repeated, if a fork is safe."""


@dataclass(frozen=True)
class Loaded(TargetFacts):
    """What is known of a loaded target, with the limits that it declares."""

    limits: Limits = ANYTHING


class Implementation:
    """One target in a process of its own, which starts on first use and restarts after a death.

    `target` is a file, a module or `module:attribute`. `took` is the time in seconds of the slowest of the
    last calls.
    """

    def __init__(self, target: str, settings: Settings | None = None) -> None:
        self.target = target
        self.settings = settings or Settings()
        self.histories: defaultdict[str, CallHistory] = defaultdict(CallHistory)
        self.took = 0.0
        self._helped: dict[Sequence[str], Implementation] = {}
        self._process: Process | None = None
        self._template: tuple[Process, ForkServer] | None = None
        self._may_fork = FORKS
        self._folder = ""
        self._loaded: Loaded | Unusable | None = None
        self._answered = False
        self._slow_calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        """The same target, with right functions of these names in place of those of its helper modules."""
        if names not in self._helped:
            self._helped[names] = Implementation(self.target, replace(self.settings, replaced=names))
        return self._helped[names]

    @property
    def may_compile(self) -> bool:
        """Whether a first call may take long: no call was answered yet, or some call was slow."""
        return not self._answered or self._slow_calls > 0

    @property
    def is_slow(self) -> bool:
        """Whether no call was answered yet, or more calls were slow than a busy machine explains."""
        return not self._answered or self._slow_calls >= MANY_SLOW_CALLS

    def limit(self, function: str) -> float:
        """The time limit of a call: that of an import for a function that is known to compile."""
        compiles = self.histories[function].compiles
        return self.settings.import_time_limit if compiles else self.settings.time_limit

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
        """Call a function once; see `Request`. Raises what `reply_each` raises."""
        request = Request(function, arguments, arrangement, then, with_reference_cell)
        return self.reply_each([request], time_limit=time_limit)[0].outcome

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """The replies to these calls of one function, in order. A death is the last reply.

        Raises what `load` raises, and `ValueError` if the target does not have the function.
        """
        function = requests[0].function
        if function not in self.load().functions:
            raise ValueError(f"{self.target} has no function '{function}'")
        process = self._process
        if process is None or not process.end.alive:  # one that has just died by itself counts as alive
            try:
                process, _ = self._start()
            except (Unusable, TargetMissing) as error:  # it was usable before
                return [Reply.of(Died(f"cannot be loaded again: {error}"), 0)]
        limit = time_limit or self.limit(function)
        bodies = [each.body for each in requests]
        answers = process.ask(bodies, time_limit=limit, folder=self._folder)
        match answers:
            case [*_, Died(reason, hung=True) as died] if limit > self.settings.time_limit:
                why = f"{reason} (--import-time-limit, since a first call may compile)"
                answers[-1] = replace(died, reason=why)
        self.took = process.took
        replies = [
            Reply.of(answer, request.count) for request, answer in zip(requests, answers, strict=False)
        ]
        for number, reply in enumerate(replies, 1):
            if reply.is_death:
                self.end_process()
                return replies[:number]
        self._answered = True
        self._slow_calls += self.took > self.settings.time_limit / 10
        return replies

    def end_process(self) -> None:
        """End the process and its children. A later call starts a new process."""
        if self._process is not None:
            self._process.end()

    def close(self) -> None:
        """End all processes of the target. A later call imports the target again."""
        self.end_process()
        if self._template:
            self._template[0].end()
            self._template = None
        for helped in self._helped.values():
            helped.close()

    def _start(self) -> tuple[Process, Loaded]:
        """A process that has loaded the target, and what is known of the target.

        If the import is slow, the process that has imported the target forks those that answer calls.
        """
        settings = self.settings
        if self._template and isinstance(self._loaded, Loaded):
            with suppress(OSError):
                self._process = Process(settings, template=self._template[1])
                return self._process, self._loaded
            self.close()
            self._may_fork = False
        target = locate(self.target, settings.directory)
        self._folder = str(Path(target.source).parent if target.is_file else settings.directory)
        again = isinstance(self._loaded, Loaded)
        process = self._process = Process(settings)
        place = target.source, target.attribute, str(settings.directory)
        request = ("load", *place, settings.helpers, [*settings.replaced], dict(settings.module), again)
        limit = settings.import_time_limit
        (answer,) = process.ask([encode(request)], time_limit=limit, folder=self._folder)
        is_slow = process.took > SLOW_IMPORT
        try:
            loaded = self._read(answer)
        except BaseException:
            process.end()
            raise
        if self._may_fork and is_slow:
            self._loaded = loaded
            if server := process.as_fork_server(limit):
                self._template = process, server
            self._may_fork = server is not None
            if server or not process.end.alive:
                process, _ = self._start()
        return process, loaded

    def _read(self, answer: bytearray | Died) -> Loaded:
        """The loaded target by the answer to a request to load it. Raises what `load` raises."""
        try:
            match answer if isinstance(answer, Died) else decode(answer):
                case ("loaded", dict(facts)) if _are_facts(facts):
                    self._folder, supports = facts["folder"], facts["supports"]
                    return Loaded(limits=Limits.parse({} if supports is None else supports), **facts)
                case ("missing", str(reason)):
                    raise TargetMissing(reason)
                case ("unusable", str(reason)):
                    raise Unusable(f"{self.target} {reason}")
                case Died(reason, hung=hung, stderr=words, at=at):
                    why = f"{reason} while it was imported" + (f" ({at})" if at else "")
                    why += "; --import-time-limit allows more" if hung else ""
                    why += f": {words.splitlines()[-1]}" if words else ""
                    raise Unusable(f"{self.target} {why}")
        except CodecError:
            pass
        except ValueError as error:
            raise Unusable(f"{self.target}: {error}") from None
        raise Unusable(f"{self.target} {UNREADABLE}")


_FACTS: Mapping[str, Any] = {
    **dict.fromkeys(("functions", "lacking", "similar", "unfinished", "understood", "network"), dict),
    **dict.fromkeys(("notes", "replaced"), (list, tuple)),
    "folder": str,
    "supports": object,
}
"""The types of the fields of `TargetFacts`."""


def _are_facts(facts: dict[Any, Any]) -> bool:
    """Whether a target may have sent these facts, and did not forge them."""
    if facts.keys() != _FACTS.keys() or not all(isinstance(facts[name], _FACTS[name]) for name in facts):
        return False
    signatures = facts["functions"]
    others = [*facts["notes"], *facts["replaced"]]
    for name in ("lacking", "similar", "unfinished"):
        others += [*facts[name], *facts[name].values()]
    return (
        0 < len(signatures) == len(signatures.keys() & CONTRACTS.keys())
        and all(each is None or isinstance(each, str) for each in signatures.values())
        and all(isinstance(text, str) for text in others)
    )

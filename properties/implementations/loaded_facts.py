"""Reads what the process of a target sends of it when it has loaded the target."""

from dataclasses import dataclass
from typing import Any

from oracle.problems.limits import ANYTHING, Limits
from oracle.processes.codec import CodecError, decode
from properties.implementations.calls import UNREADABLE, Died
from properties.worker.constants import LEAST, MOST
from properties.worker.targets import TargetFacts, TargetMissing, Unusable
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class LoadedFacts(TargetFacts):
    """The facts of a loaded target, and the limits that the target declares."""

    limits: Limits = ANYTHING


def loaded_facts(answer: bytearray | bytes | Died, target: str) -> LoadedFacts:
    """Read the answer to a request to load a target.

    Raises `TargetMissing` if the target does not exist, and `Unusable` if the target cannot be imported or
    has none of the functions.
    """
    try:
        match answer if isinstance(answer, Died) else decode(bytearray(answer)):
            case ("loaded", dict(facts)) if _are_facts(facts):
                supports = facts["supports"]
                return LoadedFacts(limits=Limits.parse({} if supports is None else supports), **facts)
            case ("missing", str(reason)):
                raise TargetMissing(reason)
            case ("unusable", str(reason)):
                raise Unusable(f"{target} {reason}")
            case Died(reason, hung=hung, stderr=stderr, at=at):
                why = f"{reason} while it was loaded" + (f" ({at})" if at else "")
                why += "; --import-time-limit allows more" if hung else ""
                why += f": {stderr.splitlines()[-1]}" if stderr else ""
                raise Unusable(f"{target} {why}")
    except CodecError:
        pass
    except ValueError as error:
        raise Unusable(f"{target}: {error}") from None
    raise Unusable(f"{target} {UNREADABLE}")


def _are_facts(facts: dict[Any, Any]) -> bool:
    """Whether these are well-formed `TargetFacts`: code of the target may send anything in their place."""
    match facts:
        case {
            "functions": dict(functions),
            "lacking": dict(lacking),
            "similar": dict(similar),
            "unfinished": dict(unfinished),
            "notes": list(notes) | tuple(notes),
            "replaced": list(replaced) | tuple(replaced),
            "folder": str(),
            "understood": dict(),
            "network": dict(),
            "supports": _,
            "constants": list(constants) | tuple(constants),
            **others,
        }:
            by_name = [text for each in (lacking, similar, unfinished) for text in (*each, *each.values())]
            signatures = [each for each in functions.values() if each is not None]
            return (
                not others
                and 0 < len(functions) == len(functions.keys() & CONTRACTS.keys())
                and all(isinstance(text, str) for text in (*notes, *replaced, *by_name, *signatures))
                and all(type(each) is int and LEAST <= each <= MOST for each in constants)
            )
    return False

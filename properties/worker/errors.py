"""Describes an error of a target, whose class and message may run code of the target."""

from __future__ import annotations


def described(error: BaseException) -> tuple[str, str]:
    """The name of the first public class of an error, and its message."""
    public = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    try:
        message = str(error)[:500]
    except BaseException:
        message = ""
    return public[:100], message

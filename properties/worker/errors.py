"""An error of foreign code in words, whose class and text may do as they like."""

from __future__ import annotations


def told(error: BaseException) -> tuple[str, str]:
    """The name of its first public class, and its message."""
    public = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    try:
        message = str(error)[:500]
    except BaseException:
        message = ""
    return public[:100], message

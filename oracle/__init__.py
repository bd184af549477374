"""What is true, how far off a correct program may be, and how to say who is wrong."""

from oracle.problem import Problem

__all__ = ["Problem"]

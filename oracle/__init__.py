"""The oracle: the right answers, the bounds on rounding errors, and who is wrong.

This module imports nothing, since adapters of frameworks run in interpreters that have only NumPy.
"""

"""Answered: the implementation under test, the process that it runs in, and what it returns."""

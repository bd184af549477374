"""Judged: a law, a trial of it on one problem, the violation where it does not hold, and what is counted."""

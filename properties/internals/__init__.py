"""Contains all uses of undocumented parts of Hypothesis, pytest and pytest-xdist."""

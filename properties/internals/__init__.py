"""The undocumented parts of other projects that we use: a module for Hypothesis, one for pytest and xdist."""

"""Measurements: each writes the figures of a page in docs/, by a command that stands there."""

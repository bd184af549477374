"""Runs a law on stored problems, on drawn problems, and on smaller problems after a failure."""

"""Runs a law on stored problems and on drawn problems, and after a failure on smaller problems."""

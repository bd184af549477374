"""Weights in the layouts and under the names of frameworks."""

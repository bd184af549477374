"""Weights in the layouts and under the names of frameworks.

All modules need only NumPy, since adapters import them in the environment of their framework.
"""

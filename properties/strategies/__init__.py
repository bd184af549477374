"""Drawn: which problems a law is asked on. Hypothesis' strategies for sizes, regimes, dtypes and seeds."""

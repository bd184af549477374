"""The problems of laws: Hypothesis' strategies for sizes, regimes, dtypes and seeds, and fixed problems."""

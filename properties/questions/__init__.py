"""The problems of a law with the answers of the witnesses: torch, the exact value and the bounds."""

"""Computes the answers of the witnesses, torch and the exact value, and the bounds."""

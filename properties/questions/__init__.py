"""Posed: the problems' arrays, and what torch, the exact value and the bounds say of each."""

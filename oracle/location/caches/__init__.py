"""Caches that hold what is right, in another way."""

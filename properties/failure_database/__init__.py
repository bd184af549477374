"""Stores the problems on which a law failed, in the current directory."""

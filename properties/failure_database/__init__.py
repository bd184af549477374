"""Stores the problems on which a law failed, below the current directory."""

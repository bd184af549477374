"""Turns: a law is run on what failed before, on what is drawn, and on what makes a failure smaller."""

"""Explains a violation: which mistake it looks like, whether the cell makes it, and the message."""

"""Explains a violation: which mistake it looks like, and whether the cell makes it. Writes the message."""

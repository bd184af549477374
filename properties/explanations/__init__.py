"""Explains a violation: its mistake, and whether only the cell is wrong. Writes its message."""

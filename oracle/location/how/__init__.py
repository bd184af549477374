"""How: what wrong values have in common."""

"""The problems: what is drawn, the line that rebuilds it, and its arrays."""

"""Explains a wrong program from its answers: by a mistake of the catalogue, or by other findings."""

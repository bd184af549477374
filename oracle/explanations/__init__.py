"""Explains a wrong program by claims, each checked on its answers: a mistake, a location, or an effect."""

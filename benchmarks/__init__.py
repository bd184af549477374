"""Measurements. Most write the figures of a page in docs/; the page names the command."""

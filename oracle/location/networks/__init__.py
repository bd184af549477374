"""Whole networks: what all layers together do wrong, where each by itself is right."""

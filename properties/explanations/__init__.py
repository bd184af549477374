"""Explained: which mistake a violation looks like, whose it is, and the message that says so."""

"""pytest's session: options, the tests that laws make, what they are given, and what came of them."""

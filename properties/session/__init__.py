"""pytest's session: options, the tests of the laws, their fixtures and their outcomes."""

"""The laws, and the packages that check an implementation by them, report the results, and run all in pytest.

docs/architecture.md says what each package does, and which other packages it may import.
"""

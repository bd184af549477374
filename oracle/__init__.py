"""What is true, how far off a correct program may be, and how to say who is wrong.

Imports nothing: adapters of frameworks run in interpreters that have NumPy alone.
"""

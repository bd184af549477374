"""Adapters: the recurrent layers of frameworks under the contract of layers, one small file a framework.

Each is a target, `rnn-crosscheck frameworks.NAME`, for an interpreter that has the framework and NumPy.
"""

"""Judges modules of torch and layers of Keras without an adapter.

Each call of a function under test builds a module of the sizes of the problem, sets its weights, and calls
it. The signature of the constructor, the names of the weights, and trial calls determine how. This package
runs in the target's interpreter, and takes torch from `sys.modules`, since the target has imported it.
"""

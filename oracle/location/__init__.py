"""Finds where, when and how a program is wrong, for mistakes outside of the catalogue; see `locate`.

A *node* is a quantity of a step, and an equation computes a node from other nodes. A program *shows* the
values that it returns or caches. *Where* is the first equation that does not hold for the shown values.
*When* are conditions on features of an element, such as its step, a size, or a magnitude. *How* is a
replacement of a node, with which the equation gives the shown values. For layers, a *setting* is a kind of
network, whose top layer is observed. A mistake *outside the steps* is in what a layer does before, between
or after its steps: lengths, directions, parameters, initial and last states, padding.
"""

"""Finds where, when and how a program is wrong, for mistakes outside of the catalogue; see `locate`.

An equation of a step is a graph of nodes. A program *shows* the values that it returns or caches. *Where* is
the first equation that does not hold for the shown values. *When* are conditions on features of an element,
such as its step, a size, or a magnitude. *How* is a form, which replaces a node of the equation and then
gives the shown values. For layers, a *setting* is the kind of network around the observed layer.
"""

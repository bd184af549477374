"""The laws, and how an implementation is held to them.

A `Law` is a check of one `Trial`: one problem of an `Example`, which is a `Question` (problems of one shape,
and what torch, the exact value and the bounds say of them) put to one function of an implementation, with
its answers. Hypothesis draws the problems, once for all (`drawn`). A `Turn` is one run of a law; it stores
what it finds, for `replay` to try first the next time, and its `Tally` goes into the results that
`reporting` shows.
"""

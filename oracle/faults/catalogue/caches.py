"""Caches: entries that are exchanged, overwritten later, left out or taken from the wrong step.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): `cached` has the names in a
cell's cache, `entries` the caches of the steps.
"""

from typing import Any

from oracle.faults.catalogue.entry import ALL, FORWARDS, LSTM, LSTM_FORWARD, RIGHT, Entries, cache, exchanged

FAULTS = Entries("caches")


def _with_a0_last(v: Any) -> Any:
    """The array `a` before the first step, with a0 at its last index, which step 0 reads as index -1."""
    a = RIGHT["a"](v)
    a[:, :, -1] = v.a0
    return a


EXCHANGED = {"a_next": "a_prev", "c_next": "c_prev", "ft": "it", "cct": "ot", "a_prev": "c_prev"}
for one, other in EXCHANGED.items():
    functions = ALL if (one, other) == ("a_next", "a_prev") else LSTM
    caches = FAULTS.of(functions)
    sentence = f"{one} and {other} are exchanged in the cache"
    caches(f"cached_{one}_and_{other}_exchanged", sentence, cached=exchanged(one, other))
caches = FAULTS.of(ALL)
caches("parameters_not_cached", "the parameters are not cached", cache=lambda v: cache(v)[:-1])
caches = FAULTS.of(LSTM_FORWARD)
caches("c_view_cached", "the first cached c_prev is overwritten by c_next", c0="c[:, :, 0]")
caches("last_c_view_cached", "the first cached c_prev is a view of c[:, :, -1]", c0="c[:, :, -1]")
caches("second_c_view_cached", "the first c_prev is a view of c[:, :, 1]", c0="c[:, :, 1]")
caches = FAULTS.of(FORWARDS)
with_a0 = {"a": "np.repeat(a0[:, :, None], T_x, axis=2)", "a0": "a[:, :, 0]"}
caches("a_view_cached", "the first cached a_prev is a view of a[:, :, 0], overwritten later", **with_a0)
sentence = "the first cached a_prev is a view of a[:, :, -1], which later holds the last hidden state"
caches("a0_in_the_last_slot", sentence, a=_with_a0_last, a_prev="a[:, :, t - 1]")
caches("x_cached_for_xt", "all of x is cached for every xt", cached=lambda names: [*names[:-1], "x"])
caches("caches_none", "None is kept for every step", entry="None")


def _one_array_for_a_state(v: Any) -> Any:
    """The caches of a cell that writes the state of every step to the same array."""

    def overwritten(name: str, entry: Any, t: int) -> Any:
        is_state = name.endswith("_next") or (name.endswith("_prev") and t)
        return getattr(v, f"{name[0]}_next") if is_state else entry

    steps = [[*map(overwritten, v.cached, step, [t] * len(step))] for t, step in enumerate(v.entries)]
    return [(*step, v.parameters) for step in steps], v.x


caches("last_state_cached", "every cached state is that of the last step", caches=_one_array_for_a_state)
last_xt = {"caches": lambda v: ([(*entry[:-2], v.xt, entry[-1]) for entry in v.entries], v.x)}
caches("last_xt_cached", "every cached xt is that of the last step", **last_xt)
caches("caches_in_themselves", "the list of caches is appended to itself", entry="entries")
caches("caches_empty", "no cell's cache is kept", caches="([], x)")
caches("last_cache_alone", "only the last cell's cache is kept", caches="(entries[-1:], x)")
caches("last_cache_everywhere", "every cache is the last cell's", caches="(entries[-1:] * T_x, x)")
caches("caches_reversed", "the caches are kept in reversed order", caches="(entries[::-1], x)")
caches("caches_without_x", "x is not returned with the caches", caches="entries")

"""The memory states of an LSTM over time, of which a layer shows the last alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from oracle.inputs import Inputs
from oracle.propagation import evaluate
from oracle.rounding import Bounded
from reference.contract import Array

ASKED = 3
"""At how many wrong steps memory states are asked for, of one problem."""
CLEARLY = 1000
"""How many times what rounding may do is more than that."""

After = Callable[[int], tuple[Array, Array] | None]
"""The hidden and the memory states `(n_a, m)` after so many steps; `None` where these cannot be shown."""


class Memory:
    """The memory states `c` of hidden states `a (n_a, m, T_x)`; 0 where they are not known.

    They follow from the states before as long as the hidden states do; where one does not, they are those
    `after` so many steps, as a shorter sequence ends with them, and all follows from there. `slack` is by how
    much more than by their equations the states may be off, for what follows may be off by rounding.
    """

    def __init__(self, given: Inputs, a: Array, c_last: Array, ended: Array, after: After) -> None:
        """`c_last (n_a, m)` are the last memory states of the samples that have `ended`."""
        self._given, self._a, self._c_last, self._ended, self._after = given, a, c_last, ended, after
        self.c = np.zeros(a.shape)
        self._right = {name: Bounded(self.c.copy(), self.c.copy()) for name in ("a", "c", "ot")}
        self._fine, self._known = np.zeros(a.shape[1:], bool), np.zeros(a.shape[1:], bool)
        self._seen = np.zeros(a.shape, bool)  # memory states that were shown, and do not follow
        self._follow(0, np.ones(a.shape[1], bool))
        self._find_out()
        # What the state of a step makes wrong shows in the next one, of which nothing was found out.
        self._known[:, :-1] &= self._known[:, 1:] | self._fine[:, 1:] | ~self._fine[:, :-1]

    def as_returned(self) -> None:
        """Take the last memory states as they are returned, whether or not a hidden state tells of them."""
        self.c[:, self._ended, -1] = self._c_last[:, self._ended]
        self._seen[:, self._ended, -1] = self._known[self._ended, -1] = True

    @property
    def slack(self) -> dict[str, Array]:
        """Of `a_next` and `c_next`, each `(n_a, m, T_x)`; infinite where nothing is known.

        So it is of the last memory states, where they are wrong and no hidden state tells of them, and of
        what is taken to follow where a hidden state would not tell if it did not.
        """
        c, a = (2 * self._right[name].error for name in ("c", "a"))
        known = np.where(self._seen, 0, c)
        before = np.concatenate([np.zeros_like(c[:, :, :1]), known[:, :, :-1]], axis=2)
        slack = {"a_next": np.where(self._fine, a, known), "c_next": np.where(self._seen, before, c)}
        last = self._right["c"][:, :, -1]
        untold = self._fine[:, -1] & ~self._seen[:, :, -1] & ~near(self._c_last, last)
        slack["c_next"][:, :, -1] += np.where(untold, np.inf, 0)
        slack["c_next"] += np.where(self._seen | self._would_tell(0.9 * self.c), 0, np.inf)
        unknown = ~self._known
        unknown[:, 1:] |= ~self._known[:, :-1]
        return {name: np.where(unknown, np.inf, array) for name, array in slack.items()}

    def _follow(self, start: int, chosen: Array) -> None:
        """Let all states of some samples from a step on follow from those before, while hidden states do."""
        given, a = self._given, self._a
        if start == a.shape[2] or not chosen.any():
            return
        a0, c0 = (a[:, :, start - 1], self.c[:, :, start - 1]) if start else (given.a0, given.c0)
        right = evaluate(replace(given, x=given.x[:, :, start:], a0=a0, c0=c0))
        fine = np.logical_and.accumulate(near(a[:, :, start:], right["a"]).all(axis=0), axis=1)
        self._fine[chosen, start:] = self._known[chosen, start:] = fine[chosen]
        for name, kept in self._right.items():
            kept.value[:, chosen, start:] = right[name].value[:, chosen]
            kept.error[:, chosen, start:] = right[name].error[:, chosen]
        self.c[:, chosen, start:] = np.where(fine, right["c"].value, 0)[:, chosen]

    def _find_out(self) -> None:
        """Ask for memory states where a hidden state does not follow, at the first steps where that is so."""
        T_x, lost, start = self._a.shape[2], np.zeros(self._a.shape[1], bool), 0
        for _ in range(ASKED):
            wrong = ~self._fine[:, start:] & ~lost[:, None]
            if not wrong.any():
                return
            first = np.where(wrong.any(axis=1), start + np.argmax(wrong, axis=1), T_x)
            t = int(first.min())
            self._ask(t, first == t)
            lost |= (first == t) & ~self._known[:, t]
            self._follow(t + 1, (first == t) & ~lost)
            start = t + 1

    def _ask(self, t: int, chosen: Array) -> None:
        """What memory states some samples have after a step, and since when they do not follow."""
        while chosen.any() and t >= 0 and (shown := self._states_after(t)) is not None:
            states, is_this_run = shown
            chosen = chosen & is_this_run
            follows = near(states, self._right["c"][:, :, t]).all(axis=0)
            tells = np.asarray(self._would_tell(states[:, :, None], t).any(axis=(0, 2)))
            self._known[:, t] = np.where(chosen, ~self._fine[:, t] | follows | tells, self._known[:, t])
            self.c[:, chosen, t] = np.where(follows, self._right["c"].value[:, :, t], states)[:, chosen]
            chosen = chosen & ~follows
            self._seen[:, chosen, t] = True
            t -= 1  # may be so since then, though no hidden state has shown it

    def _would_tell(self, states: Array, start: int = 0) -> Array:
        """Which hidden states from a step on would be others, had they been made from these memory states."""
        a, c, ot = (self._right[name][:, :, start : start + states.shape[2]] for name in ("a", "c", "ot"))
        moved = np.abs(ot.value * (np.tanh(states) - np.tanh(c.value)))
        return np.asarray(moved > CLEARLY * a.error)

    def _states_after(self, t: int) -> tuple[Array, Array] | None:
        """The memory states, and of which samples: a shorter sequence may have other hidden states."""
        if t == self._a.shape[2] - 1:
            return self._c_last, self._ended
        shown = self._after(t + 1)
        if shown is None:
            return None
        a, c = shown
        apart = np.abs(a - self._a[:, :, t]) > 4 * self._right["a"].error[:, :, t]
        return c, ~apart.any(axis=0)


def near(array: Array, right: Bounded) -> Array:
    """Where an array is what it should be, by all that rounding may do in the steps up to there."""
    with np.errstate(invalid="ignore"):
        close = np.abs(array - right.value) <= 2 * right.error
    return np.asarray(close | (array == right.value))

"""What a network is asked for, and where in it an element is, as features of 1 or 0, in words for either."""

from collections.abc import Mapping

UNEQUAL = "where lengths differ"
SHORTER = "where any length is less than T_x"
BEYOND = "beyond the end of the sample"

OPTIONS: Mapping[str, str] = {
    "of two layers or more": "of one layer",
    "in two directions": "in one direction",
    "in a layer above another": "in the first layer",
    "in a layer above two others": "in the first or second layer",
    "in the last layer": "in a layer below another",
    "of the backward direction": "of the forward direction",
    "with lengths": "without lengths",
    SHORTER: "where all lengths are T_x",
    UNEQUAL: "where all lengths are the same",
    "of samples that end before x does": "of samples that end where x does",
    "where a shorter sample before it is over": "where no shorter sample before it is over",
    "where a shorter sample after it is over": "where no shorter sample after it is over",
    "of samples with a shorter one before them": "of samples with no shorter one before them",
    "of samples with a longer one before them": "of samples with no longer one before them",
    "of samples with a shorter one after them": "of samples with no shorter one after them",
    "of samples with a longer one after them": "of samples with no longer one after them",
    BEYOND: "up to the end of the sample",
    "with a projection": "without a projection",
    "with a projection to other than n_a units": "with n_a units in the hidden state",
    "with relu": "with tanh",
}
"""Words for 1, and for 0."""

LENGTH = "the length of the sample"
"""How many steps it has."""

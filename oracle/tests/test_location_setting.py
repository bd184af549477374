"""A condition of a layer says nothing that its setting has said."""

import pytest

from oracle.location.layers.setting import Setting
from oracle.location.location import Location


@pytest.mark.parametrize(
    ("setting", "when", "said"),
    [
        (Setting(above=2), "in a layer above two others, in 88% of the elements", "in 88% of the elements"),
        (Setting(above=1), "in a layer above another and n_a > 8", "n_a > 8"),
        (Setting(activation="relu"), "with relu", "always"),
        (Setting(projected=True), "with a projection and with n_a units in the hidden state", "always"),
        (
            Setting(above=1),
            "n_a = m and m > 1, in 88% of the elements",
            "n_a = m and m > 1, in 88% of the elements",
        ),
        (Setting(), "where a0 and c0 have as many units", "where a0 and c0 have as many units"),
    ],
)
def test_what_a_setting_has_said_is_not_said_again(setting: Setting, when: str, said: str) -> None:
    found = Location("a_next ≠ tanh(Waa a_prev + Wax xt + ba)", when, "NaN", setting=setting)
    assert found.lines[1] == f"when: {said}"

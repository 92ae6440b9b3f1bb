"""The contract, on the installed driver; two sizes, so that no product is square by accident."""

from collections.abc import Callable

import pytest

from rgnn_hal import Macro, open_macro
from rgnn_hal.testing import MacroContract


class TestResistorBox(MacroContract):
    @pytest.fixture(params=["resistor-box://", "resistor-box://?rows=5&cols=17"])
    def macro(self, request: pytest.FixtureRequest) -> Callable[[], Macro]:
        return lambda: open_macro(request.param)

"""The contract as a test module of its own; needs the plugin, see `rgnn_hal.testing.plugin`."""

import pytest

from rgnn_hal.testing.bench import Factory
from rgnn_hal.testing.contract import MacroContract


class TestMacro(MacroContract):
    """The macro that `--macro` names."""

    @pytest.fixture
    def macro(self, macro_factory: Factory, request: pytest.FixtureRequest) -> Factory:
        """Opens it."""
        type(self).gentle = request.config.getoption("macro_gentle")
        return macro_factory

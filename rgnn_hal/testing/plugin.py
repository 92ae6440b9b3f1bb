"""Opt-in pytest plugin: the contract against whatever macro the command line names.

    pytest -p rgnn_hal.testing.plugin --macro 'mine://' --pyargs rgnn_hal.testing.suite

or, in a top-level conftest.py, `pytest_plugins = ["rgnn_hal.testing.plugin"]`. It adds the option
and a fixture `macro_factory`; `--gentle` and `--full` are those of `rgnn-hal check`.
"""

from functools import partial

import pytest

from rgnn_hal.macro import open_macro
from rgnn_hal.testing.bench import Factory


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("rgnn-hal", "macro contract")
    group.addoption("--macro", metavar="URI", help="address of the macro to check")
    group.addoption(
        "--gentle", dest="macro_gentle", action="store_true", default=None, help="pulse no cell"
    )
    group.addoption(
        "--full", dest="macro_gentle", action="store_false", help="pulse cells, though they wear"
    )


@pytest.fixture
def macro_factory(request: pytest.FixtureRequest) -> Factory:
    """Opens the macro at `--macro`."""
    uri = request.config.getoption("--macro")
    if uri is None:
        pytest.skip("name a macro: --macro URI")
    return partial(open_macro, uri)

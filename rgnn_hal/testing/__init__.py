"""The contract kit: what every macro promises, as experiments that any driver can be put through.

    from rgnn_hal.testing import MacroContract, check

`check("mine://")` puts a macro through every clause and reports; `rgnn-hal check mine://` does so
from the command line, with a gentle profile for hardware that must not be worn; under pytest, a
test class that inherits `MacroContract` and has a fixture `macro` does. pytest is not imported.

`clauses` holds the contract, one experiment a sentence; `mirror` is the NumPy model that a macro
is compared with, `bounds` how far it may be off, `sequences` the search for a sequence of calls
after which the two disagree.
"""

from rgnn_hal.macro import ConfigurationError

try:
    import hypothesis  # noqa: F401
except ImportError as error:
    raise ConfigurationError(
        "the contract kit draws its examples with hypothesis, which is not installed; "
        "pip install 'rgnn-hal[test]'"
    ) from error

from rgnn_hal.testing.checking import CheckReport, Failure, Skip, check
from rgnn_hal.testing.clause import Bias, Clause, ContractViolation
from rgnn_hal.testing.clauses import CLAUSES
from rgnn_hal.testing.contract import MacroContract

__all__ = [
    "CLAUSES",
    "Bias",
    "CheckReport",
    "Clause",
    "ContractViolation",
    "Failure",
    "MacroContract",
    "Skip",
    "check",
]

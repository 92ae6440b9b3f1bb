"""What was computed: counters that sit where the work is done."""

from rgnn_hal.cost.ledger import Ledger

__all__ = ["Ledger"]

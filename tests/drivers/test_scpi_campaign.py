"""A thousand faults between driver and device: no wrong number, no hang, no live array."""

from pathlib import Path

import pytest

from tests.drivers.campaign import Campaign
from tests.drivers.faulty_wire import FAULTS


@pytest.mark.parametrize(
    ("faults", "seed"), [(80, 1), pytest.param(1200, 2, marks=pytest.mark.slow)]
)
def test_every_fault_ends_in_a_typed_error_or_in_the_right_data(
    tmp_path: Path, faults: int, seed: int
) -> None:
    with Campaign(tmp_path, seed).running() as campaign:
        campaign.run(faults)
        tally = campaign.tally
    print(f"{tally} in {tmp_path}")
    assert tally.faults.total() >= faults
    assert set(tally.faults) == {fault.name for fault in FAULTS} | {"late", "two clients"}
    # Were it otherwise, the campaign would not have struck what it says that it struck.
    assert tally.outcomes["TransportError"] > faults / 3
    assert tally.outcomes["DeviceError"] > 0
    assert tally.executed[True] > 0 < tally.executed[False]
    assert tally.reopened > 0

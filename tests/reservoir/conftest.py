import ase
import numpy as np
import pytest
from ase.build import bulk, molecule

from rgnn_hal.reservoir import DigitalMixing, Reservoir
from rgnn_hal.structures import RadialBasis


@pytest.fixture
def reservoir() -> Reservoir:
    rng = np.random.default_rng(0)
    mixings = tuple(DigitalMixing(rng.standard_normal((12, 5))) for _ in range(4))
    return Reservoir((1, 6, 8), RadialBasis(cutoff=4.0, size=4), mixings)


@pytest.fixture(params=["ethanol", "skewed periodic cell"])
def structure(request: pytest.FixtureRequest) -> ase.Atoms:
    if request.param == "ethanol":
        atoms: ase.Atoms = molecule("CH3CH2OH")
    else:
        atoms = bulk("MgO", "rocksalt", a=3.9).repeat((2, 1, 1))
        atoms.numbers = [6, 8, 1, 8]
    atoms.rattle(0.08, seed=3)
    return atoms

"""Everything that decides a Hamiltonian model, next to the data and the chip."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.reservoir.equivariant import Products
from rgnn_hal.structures import RadialBasis

_PENALTY = {1: 1.0, 2: 10.0}
"""Of features by order in the environment: smooth answers first."""


class HamiltonianRecipe(BaseModel):
    """One set of choices for any chemistry, molecule or crystal.

    Chosen inside the training data of water, ethanol and graphene. Training time grows with the
    square of the channels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    channels: Annotated[int, Field(ge=2, le=1024)] = 128
    """Random channels per angular momentum: the width of the reservoir."""
    cutoff: Annotated[float, Field(gt=0.5, le=20)] = 6.0
    """Radius of an atom's environment, angstrom."""
    lmax: Annotated[int, Field(ge=0, le=6)] = 4
    """Highest angular momentum of an environment."""
    radial: Annotated[int, Field(ge=1, le=64)] = 8
    """Radial functions per element."""
    pair_radial: Annotated[int, Field(ge=1, le=64)] = 16
    """Radial functions of a pair's distance."""
    reads: Annotated[int, Field(ge=1, le=4096)] = 16
    """Reads averaged in every product on the macro."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Fraction of the reservoir's cells that is formed."""
    valid_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Fraction of the frames, in stretches of time, that chooses the regularisation."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the forming selection and of where the stretches lie."""

    @property
    def density_basis(self) -> RadialBasis:
        """Radial functions of environments."""
        return RadialBasis(self.cutoff, self.radial)

    def pair_basis(self, reach: float) -> RadialBasis:
        """Radial functions of pairs that lie up to `reach` (angstrom) apart."""
        return RadialBasis(1.2 * reach, self.pair_radial, decay=0.5)

    def products(self, on_site: bool) -> Products:
        """Features of atoms, which are few and get more products, or of pairs."""
        K = self.channels
        if on_site:
            return Products(self.lmax, K, K // 2, self.lmax, gathered=K)
        return Products(self.lmax, K, K // 4, 3, axis_degree=self.lmax + 1, gathered=K // 2)

    def penalty(self, order: int) -> float:
        """Of features of an order, relative."""
        return _PENALTY[order]

"""Frozen features: a random network over electron pairs whose matrices are held by a macro.

    h_1 = tanh(x W_1 + b_1),   h_2 = tanh(h_1 W_2 + b_2) ...,    F_k = sum_pairs h_L,k

The inputs of every layer are standardised with constants that one sample of the starting
wavefunction fixed. Pairs of opposite and of equal spins are summed separately, so a trained head
tells them apart while the network is one and the same; the sum makes F symmetric under exchange of
equal electrons. A layer pushes value, six tangents and Laplacian of a pair through the same matrix
as eight vectors (`jet`), whatever the number of electrons, because a pair's features move with its
own two electrons only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from rgnn_hal.reservoir import Mixing
from rgnn_hal.tasks.wavefunction.jet import Jet
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.pairs import PairInputs

VECTORS = 8
"""Products per pair and layer: a value, six tangents, a Laplacian."""


@dataclass(frozen=True)
class Standard:
    """Constants of one layer: its inputs become (x - mean) * scale, `bias` joins its outputs."""

    mean: Tensor
    scale: Tensor
    bias: Tensor


@dataclass(frozen=True)
class PairNetwork:
    """The network without its matrices, which come as `mixings`, from a macro or from its twin."""

    molecule: Molecule
    standards: tuple[Standard, ...]

    @property
    def inputs(self) -> PairInputs:
        """What it sees."""
        return PairInputs(self.molecule)

    def features(self, positions: Tensor, mixings: Sequence[Mixing]) -> Jet:
        """F with gradients over 3 N coordinates at positions (walkers, N, 3)."""
        hidden = self.inputs.jets(positions)
        for standard, mixing in zip(self.standards, mixings, strict=True):
            hidden = _standardise(hidden, standard).map(partial(_multiply, mixing=mixing))
            hidden = hidden.shifted(standard.bias).tanh()
        return self.inputs.sum_by_spin(hidden)

    def size(self, widths: Sequence[int]) -> int:
        """Number of features F of a network with these layer widths."""
        return self.inputs.kinds * widths[-1]


def standardised(
    molecule: Molecule,
    positions: Tensor,
    mixings: Sequence[Mixing],
    *,
    gains: Sequence[float],
    seed: int,
) -> PairNetwork:
    """A network whose layers are scaled for electrons at `positions` (walkers, N, 3).

    Args:
        molecule: what is solved.
        positions: a sample of the starting wavefunction.
        mixings: the layers' matrices.
        gains: standard deviation of what enters each layer's tanh.
        seed: of the biases.
    """
    rng = np.random.default_rng([seed, 0xB1A5])
    hidden = PairInputs(molecule).jets(positions).value
    standards = []
    for mixing, gain in zip(mixings, gains, strict=True):
        inputs, outputs = mixing.weights.shape
        scale = gain / (hidden.std(dim=0) * inputs**0.5)
        bias = torch.from_numpy(rng.normal(scale=gain, size=outputs))
        standards.append(Standard(hidden.mean(dim=0), scale, bias))
        seen = (hidden - standards[-1].mean) * scale
        hidden = torch.tanh(seen @ torch.from_numpy(mixing.weights) + bias)
    return PairNetwork(molecule, tuple(standards))


def _standardise(jet: Jet, standard: Standard) -> Jet:
    return jet.shifted(-standard.mean).scaled(standard.scale)


def _multiply(x: Tensor, mixing: Mixing) -> Tensor:
    return torch.from_numpy(np.asarray(mixing.product(x.numpy()), dtype=np.float64))

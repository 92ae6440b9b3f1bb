"""The wavefunction network: FermiNet with its whole body frozen.

Dimensions of the paper's network for H2: four layers of streams for electrons (64) and for pairs
(126), tanh, residual sums / sqrt 2, all frozen (119,552 weights for two nuclei); trained are the
orbitals and their envelopes (4,416 for two electrons). 16 determinants of all electrons:

    phi_pi(r_j) = (w_pi . h_j + b_pi) sum_A pi_piA exp(-sigma_piA |r_j - R_A|),   psi = sum det phi
"""

import torch
from torch import Tensor, nn

from rgnn_hal.tasks.xu2025.layers import LayerMaker

_SINGLE, _PAIR, _LAYERS, _DETERMINANTS = 64, 126, 4, 16


class WavefunctionNetwork(nn.Module):
    """sign and log|psi| of walkers (walkers, electrons, 3), bohr; spin-up electrons come first.

    Args:
        layer: makes the layers of the streams.
        nuclei: positions (nuclei, 3), bohr.
        spins: numbers of spin-up and spin-down electrons, at least one each.
        seed: of the trained parts' start.
    """

    def __init__(
        self, layer: LayerMaker, nuclei: Tensor, spins: tuple[int, int], *, seed: int = 0
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("nuclei", nuclei)
        self.spins = spins
        single, pair = frozen_shapes(len(nuclei))
        self.single = nn.ModuleList(layer(*shape) for shape in single)
        self.pair = nn.ModuleList(layer(*shape) for shape in pair)
        orbitals = _DETERMINANTS * sum(spins)
        self.orbital = nn.Parameter(
            torch.randn(2, _SINGLE, orbitals, generator=generator) * _SINGLE**-0.5
        )
        self.bias = nn.Parameter(torch.zeros(2, orbitals))
        self.envelope = nn.Parameter(torch.ones(2, len(nuclei), orbitals))
        self.decay = nn.Parameter(torch.ones(2, len(nuclei), orbitals))

    def forward(self, walkers: Tensor) -> tuple[Tensor, Tensor]:
        """(walkers,) each."""
        to_nuclei = walkers[:, :, None] - self.get_buffer("nuclei")
        distance = to_nuclei.norm(dim=3, keepdim=True)
        to_others = walkers[:, :, None] - walkers[:, None]
        # |0| of an electron with itself has no derivative; the root of a tiny number has.
        apart = to_others.pow(2).sum(dim=3, keepdim=True).add(1e-30).sqrt()
        h = torch.cat([distance, to_nuclei], dim=3).flatten(2)
        g = torch.cat([apart, to_others], dim=3)
        for number, single in enumerate(self.single):
            new_h = torch.tanh(single(self._gathered(h, g)))
            if number < len(self.pair):
                g = _residual(g, torch.tanh(self.pair[number](g)))
            h = _residual(h, new_h)
        sign, log = torch.linalg.slogdet(self._orbitals(h, distance[..., 0]))
        top = log.max(dim=1, keepdim=True).values
        total = (sign * torch.exp(log - top)).sum(dim=1)
        return total.sign(), total.abs().log() + top[:, 0]

    def _gathered(self, h: Tensor, g: Tensor) -> Tensor:
        """An electron's own features and the means over either spin."""
        up = self.spins[0]
        means = [x.mean(dim=1, keepdim=True).expand_as(h) for x in (h[:, :up], h[:, up:])]
        pairs = [x.mean(dim=2) for x in (g[:, :, :up], g[:, :, up:])]
        return torch.cat([h, *means, *pairs], dim=2)

    def _orbitals(self, h: Tensor, distance: Tensor) -> Tensor:
        """(walkers, determinants, electrons, electrons)."""
        electrons = sum(self.spins)
        spin = torch.tensor([0] * self.spins[0] + [1] * self.spins[1])
        value = torch.einsum("wef,efo->weo", h, self.orbital[spin]) + self.bias[spin]
        decay = torch.exp(-distance[..., None] * self.decay[spin])
        value = value * torch.einsum("weao,eao->weo", decay, self.envelope[spin])
        orbitals: Tensor = value.unflatten(2, (_DETERMINANTS, electrons)).transpose(1, 2)
        return orbitals


def frozen_shapes(nuclei: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(inputs, outputs) of the electrons' layers and of the pairs', in the order asked for."""
    single = [(3 * 4 * nuclei + 2 * 4, _SINGLE)]
    single += [(3 * _SINGLE + 2 * _PAIR, _SINGLE)] * (_LAYERS - 1)
    pair = [(4, _PAIR)] + [(_PAIR, _PAIR)] * (_LAYERS - 2)
    return single, pair


def _residual(old: Tensor, new: Tensor) -> Tensor:
    return (old + new) * 2**-0.5 if old.shape == new.shape else new

"""How large everything is: `FULL` for the figures, `QUICK` for under ten minutes on two cores."""

from dataclasses import dataclass, field

from rgnn_hal.reproduction.first_principles import Sizes
from rgnn_hal.tasks.forces import ForcesRecipe
from rgnn_hal.tasks.hamiltonian import HamiltonianRecipe
from rgnn_hal.tasks.wavefunction import WavefunctionRecipe


@dataclass(frozen=True)
class Settings:
    """Sizes of one reproduction."""

    name: str
    macro: str
    """Address of the chip with all its noise."""
    exact: str
    """Address of a chip with exact products."""
    sizes: Sizes
    repeats: int = 7
    """Of every timed prediction."""
    forces: ForcesRecipe = field(default_factory=ForcesRecipe)
    training_frames: int | None = None
    """Of the bundled forces, evenly chosen; all by default."""
    compared: ForcesRecipe = field(default_factory=lambda: ForcesRecipe(channels=32, lmax=3))
    """For the cost of training."""
    compared_frames: int = 20
    """Of those, likewise; the rival needs time, which few frames save for both."""
    judged_frames: int | None = None
    """Of the test frames, likewise; judging networks takes as long as training them."""
    training_seconds: float = 180.0
    """CPU time that back-propagation gets at most, for each of its networks."""
    training_times: float = 20.0
    """The same in times of what ours took: a network that needs more is told to need at least
    that."""
    water: HamiltonianRecipe = field(default_factory=HamiltonianRecipe)
    graphene: HamiltonianRecipe = field(default_factory=HamiltonianRecipe)
    wavefunction: WavefunctionRecipe = field(default_factory=WavefunctionRecipe)
    solve_seconds: float = 120.0
    """CPU time for the wavefunction of H2, training and measuring; training is finished anyway."""
    bases: tuple[str, ...] = ("cc-pvdz", "cc-pvtz", "cc-pvqz")
    """Of coupled clusters of H2; the first that is accurate enough is timed."""
    chains: tuple[int, ...] = (2, 4, 6, 8)
    """Electrons of hydrogen chains."""
    chain_basis: str = "cc-pvtz"
    chain_walkers: int = 200

    def rival_seconds(self, ours: float) -> float:
        """CPU time for a network where ours took so much."""
        return min(self.training_seconds, self.training_times * ours)


DEFAULT_MACRO = "emulator://?seed=1"
_EXACT = "emulator://?seed=1&exact=true"

FULL = Settings(
    name="full",
    macro=DEFAULT_MACRO,
    exact=_EXACT,
    sizes=Sizes(
        "def2-svp",
        water=(1, 2, 3, 4, 6, 8),
        alkanes=(1, 2, 3, 4, 6, 8),
        flakes=((1, 1), (1, 2), (1, 3), (2, 2)),
        larger_water=(16, 32, 64),
        larger_alkanes=(16, 32, 64),
        larger_flakes=((3, 3), (4, 4), (6, 6)),
    ),
)

QUICK = Settings(
    name="quick",
    macro=DEFAULT_MACRO,
    exact=_EXACT,
    sizes=Sizes(
        "6-31g",
        water=(1, 2, 3, 4),
        alkanes=(1, 2, 3, 4),
        flakes=((1, 1), (1, 2), (1, 3)),
        larger_water=(8, 16, 32, 64),
        larger_alkanes=(8, 16, 32, 64),
        larger_flakes=((2, 3), (3, 4), (4, 6), (6, 6)),
        grid=2,
    ),
    repeats=5,
    forces=ForcesRecipe(channels=32, lmax=3),
    compared_frames=10,
    judged_frames=6,
    training_seconds=25.0,
    training_times=12.0,
    water=HamiltonianRecipe(channels=16, lmax=3),
    graphene=HamiltonianRecipe(channels=16, cutoff=5.0),
    wavefunction=WavefunctionRecipe(samples=8000, iterations=4),
    solve_seconds=25.0,
    chains=(2, 4, 6),
)

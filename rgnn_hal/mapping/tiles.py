"""Tiles: matrices larger or smaller than a macro, placed on regions of one or several macros.

A matrix of (inputs, outputs) is cut into tiles of whole outputs; a tile is a rectangle of physical
rows and columns of one macro. Rows of tiles add up digitally. Placement fills shelves: bands of
rows across a region, each as high as its tallest tile, filled from the left. For the reservoir's
few equal matrices that wastes nothing worth a better packer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from rgnn_hal.macro import LimitError, Region
from rgnn_hal.mapping.schemes import Scheme


@dataclass(frozen=True)
class Site:
    """A free region of macro number `macro`."""

    macro: int
    region: Region


@dataclass(frozen=True)
class Tile:
    """Rows `input_start ...` and outputs `output_start ...` of a matrix, on a region of a macro."""

    macro: int
    region: Region
    input_start: int
    output_start: int
    outputs: int

    @property
    def inputs(self) -> int:
        """Number of the matrix's inputs on this tile."""
        return self.region.shape[0]

    @property
    def input_slice(self) -> slice:
        """Inputs of the matrix that drive this tile."""
        return slice(self.input_start, self.input_start + self.inputs)

    @property
    def output_slice(self) -> slice:
        """Outputs of the matrix that this tile adds to."""
        return slice(self.output_start, self.output_start + self.outputs)


@dataclass(frozen=True)
class Placement:
    """Where one matrix of `shape` (inputs, outputs) lives, and in which scheme."""

    shape: tuple[int, int]
    scheme: Scheme
    tiles: tuple[Tile, ...]


def place(
    shapes: Sequence[tuple[int, int]], scheme: Scheme, sites: Sequence[Site]
) -> list[Placement]:
    """Place matrices of `shapes` (inputs, outputs), in order, on the free `sites`.

    Raises:
        LimitError: they do not fit, naming the cells that are needed and that are free; sites that
            overlap.
    """
    if not sites:
        raise LimitError("no free region was given to place matrices on")
    for one, other in combinations(sites, 2):
        if one.macro == other.macro and one.region.overlaps(other.region):
            raise LimitError(
                f"free regions {one.region} and {other.region} of macro {one.macro} share cells; "
                "two matrices would be written into the same cells"
            )
    shelves = _Shelves(sites)
    placements = []
    for inputs, outputs in shapes:
        if inputs < 1 or outputs < 1:
            raise LimitError(f"a matrix of {inputs} inputs x {outputs} outputs holds nothing")
        attempts = [
            shelves.with_tiles((inputs, outputs), scheme, size) for size in _sizes(scheme, sites)
        ]
        fitting = [attempt for attempt in attempts if attempt is not None]
        if not fitting:
            raise LimitError(_does_not_fit(shapes, scheme, sites))
        shelves, tiles = min(fitting, key=lambda attempt: len(attempt[1]))
        placements.append(Placement((inputs, outputs), scheme, tiles))
    return placements


def _sizes(scheme: Scheme, sites: Sequence[Site]) -> list[tuple[int, int]]:
    """Largest tiles (inputs, outputs) to try: those that fill a site."""
    whole = ((site.region.shape[0], scheme.outputs(site.region.shape[1])) for site in sites)
    return [size for size in dict.fromkeys(whole) if size[1]]


class _Shelves:
    """Bands of rows, one open per site; closed bands are never revisited."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = sites
        # Per site: first row of the open band, rows it already uses, next free column.
        self._open = [[site.region.row_start, 0, site.region.col_start] for site in sites]

    def with_tiles(
        self, shape: tuple[int, int], scheme: Scheme, largest: tuple[int, int]
    ) -> tuple["_Shelves", tuple[Tile, ...]] | None:
        """Shelves on which a matrix of `shape` stands in tiles of up to `largest`, and the tiles.

        Both are (inputs, outputs); None where the matrix does not fit in such tiles.
        """
        filled, tiles = _Shelves(self._sites), []
        filled._open = [list(band) for band in self._open]
        (inputs, outputs), (most_rows, most_outputs) = shape, largest
        for input_start in range(0, inputs, most_rows):
            rows = min(most_rows, inputs - input_start)
            for output_start in range(0, outputs, most_outputs):
                count = min(most_outputs, outputs - output_start)
                spot = filled._take(rows, scheme.columns(count))
                if spot is None:
                    return None
                tiles.append(Tile(spot.macro, spot.region, input_start, output_start, count))
        return filled, tuple(tiles)

    def _take(self, rows: int, cols: int) -> Site | None:
        for site, band in zip(self._sites, self._open, strict=True):
            region = site.region
            top, height, col = band
            if col + cols > region.col_stop:
                top, height, col = top + height, 0, region.col_start
            if top + rows > region.row_stop or col + cols > region.col_stop:
                continue
            band[:] = top, max(height, rows), col + cols
            return Site(site.macro, Region.of_shape((rows, cols), (top, col)))
        return None


def _does_not_fit(shapes: Sequence[tuple[int, int]], scheme: Scheme, sites: Sequence[Site]) -> str:
    needed = sum(inputs * scheme.columns(outputs) for inputs, outputs in shapes)
    free = sum(site.region.cells for site in sites)
    return (
        f"{len(shapes)} matrices {list(shapes)} need {needed} cells in scheme {scheme.name} and do "
        f"not fit into {len(sites)} free regions of {free} cells in all; use fewer channels, "
        "scheme 'neighbour', or more macros"
    )

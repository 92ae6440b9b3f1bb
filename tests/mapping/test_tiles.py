"""Tiles cover their matrix exactly, stay on their sites, and never share a cell."""

from itertools import combinations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rgnn_hal.macro import LimitError, Region
from rgnn_hal.mapping import NEIGHBOUR, PAIR, REFERENCE, SCHEMES, Placement, Scheme, Site, place

sites_of_distinct_macros = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 12), st.integers(0, 5), st.integers(1, 12)).map(
        lambda b: Region(b[0], b[0] + b[1], b[2], b[2] + b[3])
    ),
    min_size=1,
    max_size=4,
).map(lambda regions: [Site(number, region) for number, region in enumerate(regions)])
shapes_of_matrices = st.lists(
    st.tuples(st.integers(1, 20), st.integers(1, 15)), min_size=1, max_size=5
)
schemes = st.sampled_from(list(SCHEMES.values()))


def covered(placement: Placement) -> np.ndarray[tuple[int, ...], np.dtype[np.int_]]:
    """How many tiles hold each weight."""
    count = np.zeros(placement.shape, dtype=int)
    for tile in placement.tiles:
        count[tile.input_slice, tile.output_slice] += 1
    return count


@settings(max_examples=200)
@given(shapes_of_matrices, schemes, sites_of_distinct_macros)
def test_a_placement_is_valid_or_refused(
    shapes: list[tuple[int, int]], scheme: Scheme, sites: list[Site]
) -> None:
    try:
        placements = place(shapes, scheme, sites)
    except LimitError as error:
        assert "do not fit" in str(error)
        return
    assert [placement.shape for placement in placements] == shapes
    assert all((covered(placement) == 1).all() for placement in placements)
    tiles = [tile for placement in placements for tile in placement.tiles]
    for tile in tiles:
        assert sites[tile.macro].region.contains(tile.region)
        assert tile.region.shape == (tile.inputs, scheme.columns(tile.outputs))
        assert tile.input_slice.stop - tile.input_slice.start == tile.inputs
        assert tile.output_slice.stop - tile.output_slice.start == tile.outputs
    for one, other in combinations(tiles, 2):
        assert one.macro != other.macro or not one.region.overlaps(other.region)


@given(st.integers(1, 30), st.integers(1, 30), schemes)
def test_a_matrix_that_needs_its_whole_site_fits(inputs: int, outputs: int, scheme: Scheme) -> None:
    region = Region.of_shape((inputs, scheme.columns(outputs)), (3, 5))
    (placement,) = place([(inputs, outputs)], scheme, [Site(0, region)])
    assert [tile.region for tile in placement.tiles] == [region]


def test_matrices_share_the_shelves_of_a_macro() -> None:
    site = Site(0, Region(0, 8, 0, 6))
    placements = place([(4, 2), (3, 2), (4, 5)], NEIGHBOUR, [site])
    regions = [str(tile.region) for placement in placements for tile in placement.tiles]
    assert regions == ["0:4,0:3", "0:3,3:6", "4:8,0:6"]


def test_a_matrix_larger_than_a_macro_is_split_over_several() -> None:
    sites = [Site(number, Region(0, 8, 0, 6)) for number in range(4)]
    (placement,) = place([(16, 10)], REFERENCE, sites)
    assert [(tile.macro, tile.input_start, tile.output_start) for tile in placement.tiles] == [
        (0, 0, 0),
        (1, 0, 5),
        (2, 8, 0),
        (3, 8, 5),
    ]


def test_a_tall_and_a_wide_site_share_matrices_that_fit_each() -> None:
    tall, wide = Site(0, Region(0, 64, 0, 8)), Site(1, Region(0, 8, 0, 64))
    (placed,) = place([(64, 4)], PAIR, [tall, wide])
    assert [tile.macro for tile in placed.tiles] == [0]
    (placed,) = place([(8, 32)], PAIR, [tall, wide])
    assert [tile.macro for tile in placed.tiles] == [1]
    (split,) = place([(16, 4)], PAIR, [wide, tall])
    assert (covered(split) == 1).all()


def test_two_free_regions_of_one_macro_are_both_used() -> None:
    sites = [Site(0, Region(0, 4, 0, 4)), Site(0, Region(4, 8, 2, 6))]
    placements = place([(4, 2), (4, 2)], PAIR, sites)
    regions = [str(tile.region) for placement in placements for tile in placement.tiles]
    assert regions == ["0:4,0:4", "4:8,2:6"]


@pytest.mark.parametrize(
    ("shapes", "sites", "complaint"),
    [
        ([(4, 4)], [], "no free region"),
        ([(8, 6)], [Site(0, Region(0, 8, 0, 6))], "need 56 cells .* 1 free regions of 48 cells"),
        ([(9, 5)], [Site(0, Region(0, 8, 0, 6))], "do not fit"),
        ([(8, 5), (1, 1)], [Site(0, Region(0, 8, 0, 6))], "2 matrices"),
        ([(1, 1)], [Site(0, Region(0, 8, 0, 1))], "do not fit"),
        ([(0, 4)], [Site(0, Region(0, 8, 0, 6))], "holds nothing"),
        ([(4, 0)], [Site(0, Region(0, 8, 0, 6))], "holds nothing"),
        (
            [(1, 1)],
            [Site(0, Region(0, 8, 0, 6)), Site(0, Region(7, 9, 5, 7))],
            "0:8,0:6 and 7:9,5:7 of macro 0 share cells",
        ),
    ],
)
def test_what_cannot_be_placed_is_refused_with_the_reason(
    shapes: list[tuple[int, int]], sites: list[Site], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        place(shapes, NEIGHBOUR, sites)

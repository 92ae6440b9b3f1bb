import numpy as np
import pytest

from rgnn_hal.readout import NoiseStatistics, Statistics, StatisticsBuilder, solve_ridge

GROUPS = np.array([[0, 2], [1, 3]])


def collect(rows: np.ndarray, targets: np.ndarray) -> Statistics:
    builder = StatisticsBuilder(rows.shape[1])
    builder.add(rows, targets)
    return builder.finish()


def grouped_noise(rows: int, seed: int) -> np.ndarray:
    """Noise correlated within (0, 2) and within (1, 3), independent between."""
    draws = np.random.default_rng(seed).standard_normal((rows, 2, 2))
    mixing = np.array([[1.0, 0.4], [0.0, 0.3]])
    noise = np.empty((rows, 4))
    noise[:, GROUPS] = draws @ mixing
    return noise


def test_the_penalty_is_the_expected_gram_matrix_of_the_noise() -> None:
    """Against Monte Carlo: the mean of dX^T dX over many draws."""
    clean = np.random.default_rng(0).standard_normal((50, 4))
    noise = NoiseStatistics.empty(GROUPS).with_rows(grouped_noise(200_000, seed=1))
    penalised = noise.added_to(collect(clean, np.ones(50)))
    expected = np.mean(
        [(clean + d).T @ (clean + d) for d in np.split(grouped_noise(400_000, seed=2), 8000)],
        axis=0,
    )
    # 50 rows of 200,000 measured; Monte Carlo spreads by sqrt(4 x 50 / 8000) = 0.16.
    np.testing.assert_allclose(np.triu(penalised.gram), np.triu(expected), atol=0.8)


def test_a_readout_that_knows_the_noise_errs_less_under_noise() -> None:
    rng = np.random.default_rng(3)
    clean = rng.standard_normal((400, 1)) @ np.ones((1, 4)) + 0.01 * rng.standard_normal((400, 4))
    targets = clean @ np.array([30.0, -10.0, -20.0, 1.0])
    noise = NoiseStatistics.empty(GROUPS).with_rows(0.3 * grouped_noise(4000, seed=4))
    plain = collect(clean, targets)
    disturbed = clean + 0.3 * grouped_noise(400, seed=5)
    errors = []
    for statistics in (plain, noise.added_to(plain)):
        readout = solve_ridge(statistics, 1e-10)
        assert readout is not None
        errors.append(np.sqrt(np.mean((disturbed @ readout - targets) ** 2)))
    assert errors[1] < errors[0] / 3


def test_more_reads_scale_the_penalty_down() -> None:
    plain = collect(np.ones((10, 4)), np.ones(10))
    noise = NoiseStatistics.empty(GROUPS).with_rows(grouped_noise(10, seed=6))
    one, four = noise.added_to(plain), noise.added_to(plain, factor=1 / 4)
    np.testing.assert_allclose(four.gram - plain.gram, (one.gram - plain.gram) / 4)


def test_noise_measured_on_a_part_of_the_rows_stands_for_all() -> None:
    plain = collect(np.ones((10, 4)), np.ones(10))
    once = NoiseStatistics.empty(GROUPS).with_rows(grouped_noise(5, seed=7))
    twice = once + once
    np.testing.assert_allclose(once.added_to(plain).gram, twice.added_to(plain).gram)
    assert twice.rows == 10


def test_the_validation_error_of_penalised_statistics_is_that_of_noisy_rows() -> None:
    clean = np.random.default_rng(8).standard_normal((300, 4))
    targets = clean.sum(axis=1)
    noise = NoiseStatistics.empty(GROUPS).with_rows(grouped_noise(50_000, seed=9))
    readout = np.array([1.0, 0.5, -0.3, 2.0])
    predicted = noise.added_to(collect(clean, targets)).mean_square_error(readout)
    draws = [
        np.mean(((clean + grouped_noise(300, seed=seed)) @ readout - targets) ** 2)
        for seed in range(100, 300)
    ]
    assert predicted == pytest.approx(np.mean(draws), rel=0.02)

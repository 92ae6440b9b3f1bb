import numpy as np
import pytest

from rgnn_hal.macro.errors import DataError
from rgnn_hal.readout import SharedStatistics, SharedStatisticsBuilder, fit_shared
from rgnn_hal.readout.ridge import solve_normal_equations


def collect(rows: np.ndarray, targets: np.ndarray) -> SharedStatistics:
    builder = SharedStatisticsBuilder(rows.shape[1], targets.shape[1])
    for start in range(0, len(rows), 7):
        builder.add(rows[start : start + 7], targets[start : start + 7])
    return builder.finish()


def problem(rows: int, seed: int, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(99).standard_normal((12, len(noise)))
    X = rng.standard_normal((rows, 12))
    return X, X @ truth + noise * rng.standard_normal((rows, len(noise)))


def test_every_target_gets_the_strength_that_its_validation_error_asks_for() -> None:
    noise = np.array([1e-6, 20.0])  # a clean target, and one that is almost only noise
    training, validation = problem(30, 0, noise), problem(300, 1, noise)
    path = tuple(10.0**-n for n in range(-1, 9))
    result = fit_shared(collect(*training), collect(*validation), np.ones(12), path)
    X, Y = training
    scale = np.linalg.norm(X, axis=0)
    for target, strength in enumerate(result.strengths):
        errors = []
        for tried in path:
            theta = np.linalg.solve(X.T @ X + tried * np.diag(scale**2), X.T @ Y[:, target])
            errors.append(((validation[0] @ theta - validation[1][:, target]) ** 2).mean())
        assert strength == path[int(np.argmin(errors))]
    assert result.strengths[0] < 1e-4 < 1e-2 < result.strengths[1]


def test_the_readout_is_refitted_on_all_rows_and_judged_on_the_training_rows() -> None:
    training, validation = problem(40, 2, np.ones(3)), problem(50, 3, np.ones(3))
    penalty = np.linspace(0.1, 5.0, 12)
    result = fit_shared(collect(*training), collect(*validation), penalty)
    everything = tuple(np.concatenate(pair) for pair in zip(training, validation, strict=True))
    for (X, Y), found in ((training, result.judged), (everything, result.readout)):
        scale = np.linalg.norm(X, axis=0)
        for target, strength in enumerate(result.strengths):
            ridge = np.diag(np.sqrt(strength * penalty) * scale)
            expected = np.linalg.lstsq(
                np.vstack([X, ridge]), np.append(Y[:, target], np.zeros(12)), rcond=None
            )[0]
            np.testing.assert_allclose(found[:, target], expected, rtol=1e-8)


def test_errors_follow_from_the_statistics_alone_and_shards_add() -> None:
    X, Y = problem(60, 4, np.array([0.1, 2.0]))
    readout = np.random.default_rng(5).standard_normal((12, 2))
    whole = collect(X, Y)
    expected = ((X @ readout - Y) ** 2).mean(axis=0)
    np.testing.assert_allclose(whole.mean_square_errors(readout), expected)
    parts = collect(X[:20], Y[:20]) + collect(X[20:], Y[20:])
    np.testing.assert_allclose(parts.mean_square_errors(readout), expected)
    assert parts.rows == 60


def test_a_column_without_penalty_keeps_its_least_squares_weight() -> None:
    rng = np.random.default_rng(6)
    X = np.column_stack([rng.standard_normal((50, 3)), np.ones(50)])
    y = np.full(50, 7.0)
    penalty = np.array([1.0, 1.0, 1.0, 1e-9])
    found = solve_normal_equations(X.T @ X, X.T @ y, 10.0, penalty)
    assert found is not None
    assert found[3] == pytest.approx(7.0, rel=1e-7)


def test_rows_that_are_not_finite_are_refused() -> None:
    broken = SharedStatistics(np.full((2, 2), -1.0), np.ones((2, 1)), np.ones(1), 3)
    with pytest.raises(DataError, match="not positive definite"):
        fit_shared(broken, broken, np.ones(2), path=(1e-3,))

import numpy as np
import pytest

from rgnn_hal.macro.errors import DataError
from rgnn_hal.readout import (
    Statistics,
    StatisticsBuilder,
    fit_ridge,
    fit_ridge_at,
    solve_ridge,
)


def collect(rows: np.ndarray, targets: np.ndarray) -> Statistics:
    builder = StatisticsBuilder(rows.shape[1])
    builder.add(rows, targets)
    return builder.finish()


def problem(rows: int, seed: int, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 12)) * np.logspace(-3, 3, 12)
    truth = np.random.default_rng(99).standard_normal(12) / np.logspace(-3, 3, 12)
    return X, X @ truth + noise * rng.standard_normal(rows)


def test_a_weak_ridge_is_least_squares_in_any_units_of_the_columns() -> None:
    X, y = problem(80, seed=0)
    expected = np.linalg.lstsq(X, y, rcond=None)[0]
    readout = solve_ridge(collect(X, y), 1e-12)
    assert readout is not None
    np.testing.assert_allclose(readout, expected, rtol=1e-8)


def test_a_ridge_is_least_squares_on_rows_augmented_by_the_penalty() -> None:
    X, y = problem(40, seed=1)
    strength = 0.03
    penalty = np.sqrt(strength) * np.diag(np.linalg.norm(X, axis=0))
    augmented = np.linalg.lstsq(np.vstack([X, penalty]), np.append(y, np.zeros(12)), rcond=None)[0]
    readout = solve_ridge(collect(X, y), strength)
    assert readout is not None
    np.testing.assert_allclose(readout, augmented, rtol=1e-8)


def test_the_strength_with_the_least_validation_error_is_refitted_on_all_rows() -> None:
    training, validation = problem(20, seed=2, noise=3.0), problem(200, seed=3, noise=3.0)
    path = np.logspace(2, -8, 21).tolist()
    result = fit_ridge(collect(*training), collect(*validation), path)
    errors = [trial.validation_rmse for trial in result.trials]
    assert result.strength == result.trials[int(np.argmin(errors))].strength
    assert 1e-8 < result.strength < 1e2
    refitted = solve_ridge(collect(*training) + collect(*validation), result.strength)
    assert refitted is not None
    np.testing.assert_allclose(result.readout, refitted)


def test_trials_report_root_mean_square_residuals() -> None:
    training, validation = problem(30, seed=4), problem(30, seed=5)
    result = fit_ridge(collect(*training), collect(*validation), [1e-4])
    readout = solve_ridge(collect(*training), 1e-4)
    for (X, y), got in [
        (training, result.trials[0].training_rmse),
        (validation, result.trials[0].validation_rmse),
    ]:
        assert got == pytest.approx(np.sqrt(np.mean((X @ readout - y) ** 2)), rel=1e-6)


def test_columns_that_are_zero_in_the_data_get_no_weight() -> None:
    X, y = problem(40, seed=6)
    X[:, 4] = 0.0
    readout = solve_ridge(collect(X, y), 1e-8)
    assert readout is not None
    assert readout[4] == 0.0
    assert np.isfinite(readout).all()


@pytest.mark.parametrize("relative", [None, 1e2])
def test_columns_that_are_zero_stay_at_rest_in_iterations(relative: float | None) -> None:
    X, y = problem(40, seed=4)
    X[:, 3] = 0.0
    X[:, 5] *= 1e-14  # what rounding leaves of a column that vanishes
    penalty = None if relative is None else np.where(np.arange(X.shape[1]) < 3, relative, 1.0)
    fit = fit_ridge(collect(X, y), collect(X, y), penalty=penalty)
    both = 2.0 * X.T @ X
    system = both + np.diag(fit.inverse.penalty)
    moved = fit.inverse.apply(system @ fit.readout)
    np.testing.assert_allclose(moved, fit.readout, rtol=1e-3, atol=1e-3 * np.abs(fit.readout).max())
    assert moved[3] == moved[5] == 0.0


def test_a_column_of_a_larger_penalty_is_shrunk_as_if_it_were_shorter() -> None:
    X, y = problem(40, seed=2)
    penalty = np.ones(X.shape[1])
    penalty[1] = 9.0
    found = fit_ridge(collect(X, y), collect(X, y), [1e-2], penalty).judged
    length = np.linalg.norm(X, axis=0)
    system = X.T @ X + 1e-2 * np.diag(penalty * length**2)
    np.testing.assert_allclose(found, np.linalg.solve(system, X.T @ y), rtol=1e-9)


def test_a_path_that_starts_where_rounding_rules_is_refused() -> None:
    X = np.repeat(np.random.default_rng(7).standard_normal((30, 1)), 3, axis=1)
    statistics = collect(X, X[:, 0])
    with pytest.raises(DataError, match="start the path higher"):
        fit_ridge(statistics, statistics, [-1e-9])


@pytest.mark.parametrize("noise", [1e-6, 1e-2, 3.0, 300.0])
def test_the_walk_finds_the_minimum_of_the_whole_path(noise: float) -> None:
    training, validation = problem(14, seed=8, noise=noise), problem(200, seed=9, noise=noise)
    path = [10.0**-exponent for exponent in range(13)]
    walked = fit_ridge(collect(*training), collect(*validation), path)
    tried = [fit_ridge(collect(*training), collect(*validation), [one]).trials[0] for one in path]
    best = min(tried, key=lambda trial: trial.validation_rmse)
    assert walked.strength == best.strength
    assert len(walked.trials) < len(path)


def test_the_judged_readout_has_not_seen_the_validation_rows() -> None:
    training, validation = problem(30, seed=4), problem(30, seed=5)
    result = fit_ridge(collect(*training), collect(*validation))
    expected = solve_ridge(collect(*training), result.strength)
    assert expected is not None
    np.testing.assert_array_equal(result.judged, expected)


def test_a_singular_gram_matrix_turns_the_walk_to_stronger_ridges() -> None:
    rows = np.random.default_rng(10).standard_normal((30, 6))
    full = collect(rows, rows.sum(axis=1))
    # Less than nothing in one direction, as when more noise was taken away than there is.
    gram = full.gram.copy(order="F")
    gram[0, 0] = -1e-3 * gram[1, 1]
    broken = Statistics(gram, full.moment, full.square, full.rows)
    result = fit_ridge(broken, full, [10.0, 1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5])
    assert result.strength > 1e-2


def test_a_known_strength_gives_what_a_path_of_it_alone_does() -> None:
    training, validation = collect(*problem(30, seed=4)), collect(*problem(30, seed=5))
    walked = fit_ridge(training, validation, [1e-3])
    known = fit_ridge_at(1e-3, training, validation)
    np.testing.assert_array_equal(known.readout, walked.readout)
    np.testing.assert_array_equal(known.judged, walked.judged)
    assert known.strength == walked.strength


def test_a_known_strength_grows_where_rounding_leaves_no_positive_matrix() -> None:
    rows = np.random.default_rng(10).standard_normal((30, 6))
    rows[:, 1] = rows[:, 0]
    full = collect(rows, rows.sum(axis=1))
    gram = full.gram.copy(order="F")
    gram[0, 1] *= 1.001  # an eigenvalue of -0.001, if columns are of unit length
    broken = Statistics(gram, full.moment, full.square, full.rows)
    assert fit_ridge_at(1e-5, broken, full).strength == pytest.approx(1e-2)
    gram[0, 1] *= 3.0
    with pytest.raises(DataError, match="not positive definite"):
        fit_ridge_at(1e-5, broken, full)

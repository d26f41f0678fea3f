"""The support vector machine against LinearSVC, which solves the same problem."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.svm import LinearSVC

from slugline.compiled.svm import fit_svm

CHANCE = np.random.default_rng(4)
MATRIX = sp.random(300, 800, density=0.05, format="csr", random_state=4)
LABELS = np.where(MATRIX[:, :40].sum(axis=1).A1 + 0.3 * CHANCE.normal(size=300) > 1.0, 1.0, -1.0)


def fit(c: float = 0.3, seed: int = 0, tolerance: float = 1e-8) -> tuple[np.ndarray, float, int]:
    m = MATRIX
    penalties = np.full(300, c)
    return fit_svm(
        m.indptr, m.indices, m.data, 800, LABELS, penalties, most_passes=100_000, seed=seed, tolerance=tolerance
    )


@pytest.mark.parametrize("c", [0.01, 0.3, 10, 1000])
def test_weights_and_bias_are_those_of_linear_svc(c: float) -> None:
    weights, bias, _ = fit(c)
    plain = LinearSVC(C=c, tol=1e-10, max_iter=200_000, random_state=1).fit(MATRIX, LABELS)
    np.testing.assert_allclose(weights, plain.coef_[0], atol=2e-6)
    assert bias == pytest.approx(plain.intercept_[0], abs=2e-6)


def test_penalties_of_rows_are_sample_weights() -> None:
    penalties = CHANCE.uniform(0.1, 3, size=300)
    weights, _, _ = fit_svm(
        MATRIX.indptr, MATRIX.indices, MATRIX.data, 800, LABELS, penalties, most_passes=10_000, seed=0, tolerance=1e-8
    )
    plain = LinearSVC(C=1.0, tol=1e-10, max_iter=200_000).fit(MATRIX, LABELS, sample_weight=penalties)
    np.testing.assert_allclose(weights, plain.coef_[0], atol=2e-6)


def test_threads_at_the_same_time_give_the_same_to_the_last_bit() -> None:
    alone = fit(tolerance=1e-4)
    with ThreadPoolExecutor(4) as threads:
        for weights, bias, passes in threads.map(lambda _: fit(tolerance=1e-4), range(16)):
            assert weights.tobytes() == alone[0].tobytes()
            assert (bias, passes) == alone[1:]


def test_it_stops_when_told() -> None:
    m = MATRIX
    _, _, passes = fit_svm(m.indptr, m.indices, m.data, 800, LABELS, np.ones(300), most_passes=2, seed=0, tolerance=0.0)
    assert passes == 2


def test_integers_will_do() -> None:
    m = MATRIX
    ones = np.ones(300, dtype=np.int64)
    weights, _, _ = fit_svm(m.indptr, m.indices, m.data, 800, LABELS.astype(int), ones, most_passes=99, seed=0)
    assert np.abs(weights).max() > 0.1

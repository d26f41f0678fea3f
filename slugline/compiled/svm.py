"""The linear support vector machine of svm.c."""

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.library import address, library

_TOLERANCE = 1e-4
"""How far the projected gradients may lie apart; LinearSVC's own default."""


def fit_svm(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    features: int,
    labels: NDArray[np.float64] | NDArray[np.int64],
    penalties: NDArray[np.float64] | NDArray[np.int64],
    *,
    most_passes: int,
    seed: int,
    tolerance: float = _TOLERANCE,
) -> tuple[NDArray[np.float64], float, int]:
    """Learn to tell rows of a sparse matrix apart: raw score = row @ weights + bias.

    Minimises |(weights, bias)|^2 / 2 + the sum over rows of penalty x max(0, 1 - label x raw score)^2.

    Args:
        starts, columns, values: the matrix in CSR form, shape (rows, features).
        features: how many columns there are.
        labels: 1 or -1, shape (rows,).
        penalties: above 0, shape (rows,).
        most_passes: when to stop even if it has not converged.
        seed: decides the order in which rows are visited; the same seed gives the same weights, to the last bit.
        tolerance: when to stop.

    Returns:
        The weights, shape (features,), the bias, and how many passes over the rows it took.
    """
    starts, columns = np.ascontiguousarray(starts, dtype=np.int64), np.ascontiguousarray(columns, dtype=np.int32)
    values, y, c = (np.ascontiguousarray(array, dtype=np.float64) for array in (values, labels, penalties))
    weights, bias = np.empty(features), np.empty(1)
    passes = library().slugline_fit_svm(
        *(address(starts), address(columns), address(values), len(y), features),
        *(address(y), address(c), tolerance, most_passes, seed, address(weights), address(bias)),
    )
    if passes < 0:
        raise MemoryError
    return weights, float(bias[0]), passes

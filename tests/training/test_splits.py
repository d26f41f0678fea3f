import numpy as np

from training.splits import grouped_folds, label_matrix


def test_names_become_a_matrix() -> None:
    assert label_matrix([("b",), (), ("a", "b")], ["a", "b"]).tolist() == [[0, 1], [0, 0], [1, 1]]
    assert label_matrix([], ["a"]).shape == (0, 1)


def test_folds_cover_all_rows_keep_groups_together_and_shares_alike() -> None:
    chance = np.random.default_rng(0)
    labels = (chance.random((600, 3)) < 0.3).astype(np.int8)
    groups = np.arange(600) // 2
    folds = grouped_folds(labels, groups, 5, seed=0)
    measured = np.concatenate([measure for _, measure in folds])
    assert sorted(measured.tolist()) == list(range(600))
    for learn, measure in folds:
        assert not set(groups[learn]) & set(groups[measure])
        assert np.abs(labels[measure].mean(axis=0) - labels.mean(axis=0)).max() < 0.1

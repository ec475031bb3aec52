"""Random-forest filter of features, to be fitted inside the training fold only."""

import numpy as np
from sklearn.ensemble import RandomForestRegressor


def forest_filter(
    features: np.ndarray, target: np.ndarray, n_keep: int, *, trees: int = 200, seed: int = 0
) -> np.ndarray:
    """Keep the features that a random forest uses most to predict age.

    Importance is the mean decrease in impurity (Breiman, 2001, doi:10.1023/A:1010933404324).

    Parameters
    ----------
    features
        Training people x features, no missing values.
    target
        What to predict, one value per person: log age.
    n_keep
        Number of features to keep.
    trees
        Number of trees.
    seed
        Seed of the forest.

    Returns
    -------
    np.ndarray
        Indices of the kept features in ascending order; all of them if there are no more.
    """
    n = features.shape[1]
    if n_keep >= n:
        return np.arange(n)
    forest = RandomForestRegressor(
        n_estimators=trees, max_features=0.1, min_samples_leaf=3, random_state=seed, n_jobs=1
    )
    forest.fit(features, target)
    order = np.argsort(-forest.feature_importances_, kind="stable")
    return np.sort(order[:n_keep])

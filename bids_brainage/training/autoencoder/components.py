"""Two principal components of the features and of the codes, for a figure by sex and age."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.training.trust import SEX

COLUMNS = ("features", "first", "second", "sex", "age")
DECIMALS = 4


def write_components(
    folder: Path, features: Mapping[str, np.ndarray], female: np.ndarray, age: np.ndarray
) -> None:
    """Write ``components.tsv`` and ``components.json``, the shares of the variance.

    Parameters
    ----------
    features
        ``initial`` and ``latent`` to features of everybody without NaN; (n, p).
    female
        1 woman, 0 man, NaN unknown; shape (n,).
    age
        Years, or the middle of a bin; NaN unknown; shape (n,).
    """
    rows = []
    shares: dict[str, list[float]] = {}
    for name, values in features.items():
        pca = PCA(2, svd_solver="full").fit(values)
        shares[name] = [round(float(share), DECIMALS) for share in pca.explained_variance_ratio_]
        for (first, second), sex, years in zip(
            pca.transform(values).tolist(), female, age, strict=True
        ):
            rows.append({
                "features": name,
                "first": round(first, DECIMALS),
                "second": round(second, DECIMALS),
                "sex": SEX.get(float(sex)),
                "age": round(float(years), 2) if np.isfinite(years) else None,
            })  # fmt: skip
    write_tsv(folder / "components.tsv", rows, COLUMNS)
    write_json(folder / "components.json", shares)

"""How unusual a person's features are among those of the training people."""

import torch
from torch import Tensor, nn

N_SHARES = 201
MIN_PEOPLE = 20
ENDS = (0.001, 0.25, 0.75, 0.999)


class Distance(nn.Module):
    """Mahalanobis distance with a shrunk covariance, as a percentile among training people.

    Covariance: Ledoit & Wolf, 2004, doi:10.1016/S0047-259X(03)00096-4. The percentiles are of
    people whom the mean and the covariance had not seen; else those of new people would all be
    high.

    Parameters
    ----------
    n_features
        Number of features.
    n_checked
        Number of numbers that make a person the most unusual when one is out of range.
    """

    lower: Tensor
    upper: Tensor
    mean: Tensor
    whitening: Tensor
    quantiles: Tensor

    def __init__(self, n_features: int, n_checked: int = 0) -> None:
        super().__init__()
        self.register_buffer("lower", torch.full((n_checked,), -torch.inf))
        self.register_buffer("upper", torch.full((n_checked,), torch.inf))
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("whitening", torch.eye(n_features))
        self.register_buffer("quantiles", torch.full((N_SHARES,), torch.inf))

    def fit(self, features: Tensor) -> None:
        """Fit mean and covariance.

        Parameters
        ----------
        features
            Training people; shape (n, n_features).
        """
        if len(features) < MIN_PEOPLE:
            return
        mean = features.mean(dim=0)
        covariance = _shrunk(features - mean)
        variance, axes = torch.linalg.eigh(covariance)
        floor = variance.max() * 1e-9
        self.mean.copy_(mean)
        self.whitening.copy_(axes / variance.clamp_min(floor).sqrt())

    def fit_limits(self, checked: Tensor) -> None:
        """Fit the range of the checked numbers; (n, n_checked)."""
        if len(checked) < MIN_PEOPLE or not checked.shape[1]:
            return
        ends = torch.quantile(checked, torch.tensor(ENDS, dtype=checked.dtype), dim=0)
        low, first, third, high = ends
        self.lower.copy_(low - (third - first) / 2)
        self.upper.copy_(high + (third - first) / 2)

    def set_quantiles(self, distances: Tensor) -> None:
        """Set the distances of people that were not fitted on, which give the percentiles."""
        if len(distances) >= MIN_PEOPLE:
            shares = torch.linspace(0, 1, N_SHARES, dtype=distances.dtype)
            self.quantiles.copy_(torch.quantile(distances, shares))

    def distance(self, features: Tensor) -> Tensor:
        """Return the distance per feature; (n, n_features) to (n,)."""
        whitened = (features - self.mean) @ self.whitening
        return whitened.square().mean(dim=-1).sqrt()

    def percentile(self, features: Tensor, checked: Tensor | None = None) -> Tensor:
        """Return the share of training people who are less unusual, in percent; NaN if unfitted.

        Parameters
        ----------
        features
            Shape (n, n_features).
        checked
            Shape (n, n_checked).
        """
        found = self.distance(features)
        if not torch.isfinite(self.quantiles).all():
            return torch.full_like(found, torch.nan)
        quantiles = self.quantiles.to(found)
        above = torch.searchsorted(quantiles, found).clamp(1, N_SHARES - 1)
        low, high = quantiles[above - 1], quantiles[above]
        part = ((found - low) / (high - low).clamp_min(1e-12)).clamp(0, 1)
        percentile = 100 * (above - 1 + part) / (N_SHARES - 1)
        if checked is not None:
            outside = ((checked < self.lower) | (checked > self.upper)).any(dim=-1)
            percentile = torch.where(outside, 100.0, percentile)
        return percentile


def _shrunk(centred: Tensor) -> Tensor:
    """Covariance shrunk towards a multiple of the identity; (n, p) to (p, p)."""
    n, p = centred.shape
    empirical = centred.T @ centred / n
    mu = empirical.diagonal().mean()
    squared = centred.square()
    beta = ((squared.T @ squared).sum() / n - empirical.square().sum()) / (p * n)
    delta = (empirical.square().sum() - 2 * mu * empirical.trace() + p * mu**2) / p
    share = (beta.clamp_max(delta) / delta).clamp(0, 1) if delta > 0 else beta * 0
    return (1 - share) * empirical + share * mu * torch.eye(p, dtype=centred.dtype)

"""From raw measures to the network's features: derived measures, projection, robust scaling."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

MAX_CORRELATION = 0.999
MIN_SCALE = 1e-6
MIN_REST = 1e-3
PROJECTION_CLIP = 6.0
COMPONENT_CLIP = 8.0
IQR_OF_NORMAL = 1.349
WHITENING = 0.25
KINDS = ("plain", "morphometry", "connectivity")
Choose = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class InputConfig:
    """Shape of one modality's input.

    Parameters
    ----------
    kind
        ``plain`` (measures as they are), ``morphometry`` (plus the logarithm of each volume
        relative to a head-size reference) or ``connectivity`` (correlations, Fisher z,
        standardised within the person, which removes global shifts between scanners).
    n_measures
        Number of raw measures.
    n_selected
        Number of features that the random-forest filter keeps.
    n_components
        Number of principal components that stand for the features before selection; 0 for the
        features themselves.
    volumes
        Indices of the volumes, for morphometry.
    reference
        Indices of the volumes whose sum stands for head size, for morphometry.
    clip
        Features are clipped to this many robust standard deviations.
    """

    kind: str
    n_measures: int
    n_selected: int
    n_components: int = 0
    volumes: tuple[int, ...] = ()
    reference: tuple[int, ...] = ()
    clip: float = 4.0

    @property
    def n_features(self) -> int:
        """Number of derived features, before projection and selection."""
        more = len(self.volumes) if self.kind == "morphometry" else 0
        return self.n_measures + more

    @property
    def n_candidates(self) -> int:
        """Number of features that the filter chooses from."""
        return self.n_components or self.n_features

    @property
    def n_located(self) -> int:
        """Number of features whose distance from the training people's is measured."""
        return self.n_selected + bool(self.n_components)

    @property
    def n_checked(self) -> int:
        """Number of numbers per person that must lie in the training people's range."""
        return 2 if self.kind == "connectivity" else 0


class InputTransform(nn.Module):
    """Turns raw measures with NaN for missing into scaled features, person by person.

    Everything fitted lives in buffers; no statistic of the batch is used.

    Parameters
    ----------
    config
        Shape of the input.
    """

    selected: Tensor
    centre: Tensor
    scale: Tensor
    lower: Tensor
    upper: Tensor
    base_centre: Tensor
    base_scale: Tensor
    components: Tensor

    def __init__(self, config: InputConfig) -> None:
        super().__init__()
        self.config = config
        n, candidates = config.n_selected, config.n_candidates
        self.register_buffer("selected", torch.arange(n) % max(candidates, 1))
        self.register_buffer("centre", torch.zeros(n))
        self.register_buffer("scale", torch.ones(n))
        self.register_buffer("lower", torch.full((config.n_measures,), -torch.inf))
        self.register_buffer("upper", torch.full((config.n_measures,), torch.inf))
        if config.n_components:
            self.register_buffer("base_centre", torch.zeros(config.n_features))
            self.register_buffer("base_scale", torch.tensor(1.0))
            self.register_buffer("components", torch.zeros(config.n_features, n))

    def derive(self, raw: Tensor) -> Tensor:
        """Return the derived features; shape (n, n_features), NaN for missing."""
        if self.config.kind == "morphometry":
            return torch.cat([raw, self._relative_volumes(raw)], dim=-1)
        if self.config.kind == "connectivity":
            z = self.fisher(raw)
            mean = z.nanmean(dim=-1, keepdim=True)
            spread = (z - mean).square().nanmean(dim=-1, keepdim=True).sqrt()
            return (z - mean) / spread.clamp_min(MIN_SCALE)
        return raw

    @staticmethod
    def fisher(raw: Tensor) -> Tensor:
        """Return Fisher's z of correlations."""
        return torch.atanh(raw.clamp(-MAX_CORRELATION, MAX_CORRELATION))

    def _relative_volumes(self, raw: Tensor) -> Tensor:
        head = torch.log(raw[..., list(self.config.reference)].sum(dim=-1, keepdim=True))
        ratio = torch.log(raw[..., list(self.config.volumes)]) - head
        return torch.where(torch.isfinite(ratio), ratio, torch.nan)

    def fit(self, raw: Tensor, choose: Choose | None = None) -> None:
        """Fit projection, selection and scaling on training people.

        Parameters
        ----------
        raw
            Raw measures of people who have the modality, in double precision; shape
            (n, n_measures).
        choose
            Chooses features: maps scaled candidates (n, n_candidates), zero where missing, to
            the indices to keep (n_selected,). The first ones by default.
        """
        features = self.derive(raw)
        if self.config.n_components:
            self._fit_projection(features, choose)
        else:
            centre, scale = _robust(features)
            if choose is not None:
                scaled = torch.nan_to_num((features - centre) / scale)
                self.selected.copy_(choose(scaled.clamp(-self.config.clip, self.config.clip)))
            self.centre.copy_(centre[self.selected])
            self.scale.copy_(scale[self.selected])

    def fit_limits(self, raw: Tensor) -> None:
        """Fit the range of each measure over everybody in training who has the modality."""
        low, first, third, high = _quantiles(raw, (0.001, 0.25, 0.75, 0.999))
        margin = third - first
        self.lower.copy_(torch.nan_to_num(low - margin, nan=-torch.inf))
        self.upper.copy_(torch.nan_to_num(high + margin, nan=torch.inf))

    def _fit_projection(self, features: Tensor, choose: Choose | None) -> None:
        centre = torch.nan_to_num(features.nanmean(dim=0))
        spread = (features - centre).square().nanmean().sqrt().clamp_min(MIN_SCALE)
        self.base_centre.copy_(centre)
        self.base_scale.copy_(spread)
        base = torch.nan_to_num((features - centre) / spread)
        base = base.clamp(-PROJECTION_CLIP, PROJECTION_CLIP)
        axes = principal_axes(base, self.config.n_components)
        scores = base @ axes
        deviation = scores.square().mean(dim=0).sqrt()
        # Mildly whitened, and then one on average.
        scale = deviation.clamp_min(MIN_SCALE) ** WHITENING
        scale = scale * (deviation / scale).mean().clamp_min(MIN_SCALE)
        scale = torch.where(deviation > MIN_SCALE, scale, torch.ones_like(scale))
        if choose is not None:
            self.selected.copy_(choose(scores / scale))
        self.components.copy_(axes[:, self.selected])
        self.scale.copy_(scale[self.selected])
        self.centre.zero_()

    def forward(self, raw: Tensor) -> Tensor:
        """Map (n, n_measures) to (n, n_selected): scaled, clipped, zero where missing."""
        features = self.derive(raw)
        if self.config.n_components:
            scores = self.base(features) @ self.components
            return (scores / self.scale).clamp(-COMPONENT_CLIP, COMPONENT_CLIP)
        scaled = (features[:, self.selected] - self.centre) / self.scale
        return torch.nan_to_num(scaled.clamp(-self.config.clip, self.config.clip), nan=0.0)

    def located(self, raw: Tensor) -> Tensor:
        """Map (n, n_measures) to (n, n_located): `forward`, and what the components leave out.

        A pattern unlike any person's has small components; the log of the share of its variance
        outside of them tells.
        """
        scaled = self(raw)
        if not self.config.n_components:
            return scaled
        base = self.base(self.derive(raw))
        whole = base.square().sum(dim=-1, keepdim=True).clamp_min(MIN_SCALE)
        inside = (base @ self.components).square().sum(dim=-1, keepdim=True)
        return torch.cat([scaled, torch.log((1 - inside / whole).clamp_min(MIN_REST))], dim=-1)

    def checked(self, raw: Tensor) -> Tensor:
        """Map (n, n_measures) to (n, n_checked): what standardising within the person takes out.

        Mean and log spread of Fisher z: time series of noise give correlations near zero.
        """
        if self.config.kind != "connectivity":
            return raw[:, :0]
        z = torch.atanh(raw.clamp(-MAX_CORRELATION, MAX_CORRELATION))
        mean = z.nanmean(dim=-1, keepdim=True)
        spread = (z - mean).square().nanmean(dim=-1, keepdim=True).sqrt()
        return torch.cat([mean, torch.log(spread.clamp_min(MIN_SCALE))], dim=-1)

    def base(self, features: Tensor) -> Tensor:
        """Return derived features as the projection takes them: scaled, clipped, without NaN."""
        base = torch.nan_to_num((features - self.base_centre) / self.base_scale, nan=0.0)
        return base.clamp(-PROJECTION_CLIP, PROJECTION_CLIP)

    def beyond(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Count per person the measures outside the training range, and those present."""
        outside = (raw < self.lower) | (raw > self.upper)
        return outside.sum(dim=-1), (~raw.isnan()).sum(dim=-1)


def _robust(features: Tensor) -> tuple[Tensor, Tensor]:
    low, middle, high = _quantiles(features, (0.25, 0.5, 0.75))
    spread = (high - low) / IQR_OF_NORMAL
    spread = torch.where(spread > MIN_SCALE, spread, torch.ones_like(spread))
    return torch.nan_to_num(middle), torch.nan_to_num(spread, nan=1.0)


def _quantiles(values: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Return quantiles of each column, ignoring NaN, one block of columns at a time."""
    q = torch.tensor(shares, dtype=values.dtype)
    blocks = [torch.nanquantile(block, q, dim=0) for block in values.split(512, dim=1)]
    return torch.cat(blocks, dim=1)


def principal_axes(base: Tensor, n: int) -> Tensor:
    """Return the first principal axes, columns, with zeros beyond the rank; sign fixed."""
    gram = base @ base.T
    variance, vectors = torch.linalg.eigh(gram)
    order = torch.argsort(variance, descending=True)[:n]
    variance, vectors = variance[order], vectors[:, order]
    known = variance > MIN_SCALE * variance[0]
    axes = base.T @ vectors[:, known] / variance[known].sqrt()
    peak = axes.abs().argmax(dim=0)
    axes = axes * torch.sign(axes[peak, torch.arange(axes.shape[1])])
    padded = torch.zeros(base.shape[1], n, dtype=base.dtype)
    padded[:, : axes.shape[1]] = axes
    return padded

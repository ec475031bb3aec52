"""The networks of the published systems, computed layer by layer as their code does.

Written from descriptions of their layers: four convolutions with a normalisation each are summed,
a normalisation and an activation follow, and every layer makes a new array.
"""

import torch
from torch import nn


class Asymmetric(nn.Module):
    """Four convolutions beside one another, each normalised, and their sum."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(n_in, n_out, kernel, padding=tuple(k // 2 for k in kernel), bias=False),
                nn.BatchNorm3d(n_out),
            )
            for kernel in ((3, 3, 3), (1, 1, 3), (3, 1, 1), (1, 3, 1))
        )

    def forward(self, x):
        """Sum the branches."""
        a, b, c, d = (branch(x) for branch in self.branches)
        return a + b + c + d


class Dense(nn.Module):
    """Two such convolutions, channel weights, pooling, and the pooled input beside them."""

    def __init__(self, n_in, growth):
        super().__init__()
        n = growth * n_in
        self.body = nn.Sequential(
            Asymmetric(n_in, n), nn.BatchNorm3d(n), nn.ELU(),
            Asymmetric(n, n), nn.BatchNorm3d(n), nn.ELU(),
        )  # fmt: skip
        hidden = max(1, n // 16)
        self.weigh = nn.Module()
        self.weigh.weigh = nn.Sequential(
            nn.Linear(n, hidden), nn.ReLU(), nn.Linear(hidden, n), nn.Sigmoid()
        )
        self.pool = nn.MaxPool3d(2)

    def forward(self, x):
        """Halve the image."""
        new = self.body(x)
        weights = self.weigh.weigh(nn.functional.adaptive_avg_pool3d(new, 1).flatten(1))
        new = new * weights[:, :, None, None, None]
        return torch.cat([self.pool(x), self.pool(new)], dim=1)


class PublishedScaleDense(nn.Module):
    """One stage; parameters have the names of ours, so that both take the same weights."""

    def __init__(self, config):
        super().__init__()
        n, self.second = config.filters, config.second
        first = {"dilated": {"padding": 1, "dilation": 2}, "strided": {"padding": 2, "stride": 2}}
        self.stem = nn.Sequential(nn.Conv3d(1, n, 7, **first[config.stem]), nn.ELU())
        widths = [n * (1 + config.growth) ** i for i in range(config.layers)]
        self.layers = nn.ModuleList(Dense(width, config.growth) for width in widths)
        self.squeeze = nn.Sequential(nn.Linear(config.width, config.features), nn.ELU())
        self.sex = nn.Sequential(nn.Linear(2, 16), nn.Linear(16, 8), nn.ELU())
        extra = 16 if self.second else 0
        if self.second:
            self.age = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        width = config.features + extra
        self.head = nn.Sequential(nn.Linear(width, 16), nn.Linear(16, 1))  # for unknown sex
        self.head_with_sex = nn.Sequential(nn.Linear(width + 8, 16), nn.Linear(16, 1))

    def forward(self, image, sex, rounded=None):
        """Age, or what to add to the rounded one."""
        x = self.stem(image)
        for layer in self.layers:
            x = layer(x)
        x = self.squeeze(nn.functional.adaptive_avg_pool3d(x, 1).flatten(1))
        parts = [x, self.age(rounded[:, None])] if self.second else [x]
        age = self.head_with_sex(torch.cat([*parts, self.sex(sex)], dim=1))[:, 0]
        return age if self.second else torch.relu(age)


class PublishedTsan(nn.Module):
    """Both stages."""

    def __init__(self, config, second):
        super().__init__()
        self.first = PublishedScaleDense(config)
        self.second = PublishedScaleDense(second)

    def forward(self, image, sex):
        """Final age."""
        rounded = torch.floor(self.first(image, sex).detach() / 5 + 0.5) * 5
        return rounded + self.second(image, sex, rounded)

"""Last step of the M-AVAE: what the heads say of the combinations of modalities, as one answer."""

import torch
from torch import Tensor, nn

ALONE, MORPHOMETRY, CONNECTIVITY, BOTH = range(4)
N_COLUMNS = 4


class Fusion(nn.Module):
    """Weighs the heads' outputs and turns log age into years.

    From morphometry alone, the lifespan members' head is taken, and below `youth_centre` the
    joint members', who know the many young people with connectivity better. Log age from
    connectivity alone goes through a straight line that undoes the shrinkage of an average of
    regularised networks. With both, all heads' log ages are weighed by a ridge, fitted on training
    people of sites that the member had not seen (stacked generalisation, Wolpert, 1992,
    doi:10.1016/S0893-6080(05)80023-1), since the joint head alone trusts the modality that it
    overfits more. Above the ages of people with connectivity in training, around `gate_centre`,
    the age passes over to morphometry alone.

    For sex with both, the logits from morphometry (all samples) and from connectivity are averaged
    with equal weight: a fitted weight would learn that most people with connectivity are men.
    `sex_shift` takes that share out of the logit from connectivity, so that both sexes are equally
    likely beforehand; `sex_scale` undoes overconfidence.
    """

    weight: Tensor
    intercept: Tensor
    single: Tensor
    youth_centre: Tensor
    youth_width: Tensor
    gate_centre: Tensor
    gate_width: Tensor
    sex_shift: Tensor
    sex_scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        joint = torch.zeros(2, N_COLUMNS)
        joint[:, BOTH] = 1
        self.register_buffer("weight", joint)
        self.register_buffer("intercept", torch.zeros(2))
        self.register_buffer("single", torch.tensor([1.0, 0.0]))
        self.register_buffer("youth_centre", torch.tensor(-torch.inf))
        self.register_buffer("youth_width", torch.tensor(1.5))
        self.register_buffer("gate_centre", torch.tensor(torch.inf))
        self.register_buffer("gate_width", torch.tensor(1.0))
        self.register_buffer("sex_shift", torch.tensor(0.0))
        self.register_buffer("sex_scale", torch.tensor(1.0))

    def set_joint(self, weight: Tensor, intercept: Tensor) -> None:
        """Set how both modalities are fused.

        Parameters
        ----------
        weight
            Rows age and sex, columns as in `forward`; shape (2, 4).
        intercept
            Of age and sex; shape (2,).
        """
        self.weight.copy_(weight)
        self.intercept.copy_(intercept)

    def set_single(self, slope: float, intercept: float) -> None:
        """Set the line that log age from connectivity alone goes through."""
        self.single.copy_(torch.tensor([slope, intercept]))

    def set_youth(self, centre: float, width: float) -> None:
        """Set the age in years, and the width, below which the joint members speak alone."""
        self.youth_centre.fill_(centre)
        self.youth_width.fill_(width)

    def set_sex(self, shift: float, scale: float) -> None:
        """Set what is added to the logit from connectivity, and what every logit is scaled by."""
        self.sex_shift.fill_(shift)
        self.sex_scale.fill_(scale)

    def set_gate(self, centre: float, width: float) -> None:
        """Set the age in years, and the width, at which connectivity is no longer used."""
        self.gate_centre.fill_(centre)
        self.gate_width.fill_(width)

    def forward(self, log_ages: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse head outputs.

        Parameters
        ----------
        log_ages, logits
            Log age and female logit from morphometry alone, and from morphometry, connectivity
            and both by the joint members; (n, 4), NaN where a person lacks a modality.

        Returns
        -------
        tuple[Tensor, Tensor]
            Age in years and female logit, each (n,).
        """
        # Filled, since a NaN that is passed over later would still spoil gradients.
        ages, sexes = (torch.nan_to_num(values, nan=0.0) for values in (log_ages, logits))
        joint = ages @ self.weight[0] + self.intercept[0]
        alone = ages[:, ALONE]
        young = torch.sigmoid((self.youth_centre - alone.exp()) / self.youth_width)
        alone = young * ages[:, MORPHOMETRY] + (1 - young) * alone
        connected = self.single[0] * ages[:, CONNECTIVITY] + self.single[1]
        share = torch.sigmoid((self.gate_centre - alone.exp()) / self.gate_width)
        joint = share * joint + (1 - share) * alone
        age = _first_known(log_ages, joint, alone, connected)
        joint = sexes @ self.weight[1] + self.intercept[1]
        connected = sexes[:, CONNECTIVITY] + self.sex_shift
        logit = _first_known(logits, joint, sexes[:, ALONE], connected)
        return age.exp(), self.sex_scale * logit


def _first_known(told: Tensor, joint: Tensor, alone: Tensor, connected: Tensor) -> Tensor:
    """Value of the first answer whose columns are all told; NaN where none is."""
    known = ~told.isnan()
    result = torch.where(known[:, CONNECTIVITY], connected, torch.nan)
    result = torch.where(known[:, ALONE], alone, result)
    return torch.where(known.all(dim=-1), joint, result)

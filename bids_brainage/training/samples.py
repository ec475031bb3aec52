"""Public samples that models are trained on, with their terms, for model cards."""

import numpy as np

from bids_brainage.models.cards import TrainingSample
from bids_brainage.training.tables import TrainingTable

SAMPLES = {
    "abide1": (
        "ABIDE I (Di Martino et al., 2014, doi:10.1038/mp.2013.78); FreeSurfer tables and ABIDE "
        "Preprocessed C-PAC time series; about half of the people have autism",
        "CC BY-NC-SA",
    ),
    "aomic_piop2": ("AOMIC PIOP2 (ds002790; Snoek et al., 2021, doi:10.1038/s41597-021-00870-6)",
                    "CC0"),
    "fcon1000": (
        "1000 Functional Connectomes (Biswal et al., 2010, doi:10.1073/pnas.0911855107), table of "
        "the PCNtoolkit demo",
        "public release, CC BY-NC",
    ),
    "nki": ("NKI Rockland (Nooner et al., 2012, doi:10.3389/fnins.2012.00152), table of a "
            "PCNtoolkit tutorial", "research use"),
    "ds002748-2mm": (
        "OpenNeuro ds002748 (Bezmaternykh et al., 2021, doi:10.1155/2021/8846097), T1w at 2 mm; "
        "two thirds of the people have depression",
        "CC0",
    ),
    "ixi-2mm": ("IXI (brain-development.org), T1w at 2 mm", "CC BY-SA 3.0"),
    "ixi_muse": (
        "IXI (brain-development.org), region volumes by NiChart DLMUSE",
        "CC BY-SA 3.0; volumes as published with NiChart, research use",
    ),
    "openneuro": ("ds000115, ds003416, ds003469, ds003826, table of PCNtoolkit braincharts",
                  "CC0"),
}  # fmt: skip

PLACES = {
    "abide1": "United States and Europe",
    "aomic_piop2": "Amsterdam",
    "fcon1000": "North America, Europe, China and Australia",
    "nki": "New York State",
    "ds002748-2mm": "Novosibirsk",
    "ixi-2mm": "London",
    "ixi_muse": "London",
}
HEALTH = {
    "abide1": "about half of the people of abide1 have autism",
    "ds002748-2mm": "two thirds of the people of ds002748-2mm have depression",
}


def describe_samples(table: TrainingTable) -> tuple[TrainingSample, ...]:
    """Describe each sample of a training table: n, ages, sexes, sites, terms."""
    return describe_people(table.datasets, table.sites, table.age, table.female)


def describe_people(
    datasets: np.ndarray, sites: np.ndarray, ages: np.ndarray, females: np.ndarray
) -> tuple[TrainingSample, ...]:
    """Describe each sample of people; see `TrainingTable` for the arrays."""
    described = []
    for name in np.unique(datasets):
        rows = datasets == name
        age, female = ages[rows], females[rows]
        places, counts = np.unique(sites[rows], return_counts=True)
        source, licence = SAMPLES.get(str(name), ("", ""))
        described.append(
            TrainingSample(
                dataset=str(name),
                n=int(rows.sum()),
                n_female=int((female == 1).sum()),
                n_male=int((female == 0).sum()),
                age_min=round(float(age.min()), 2),
                age_median=round(float(np.median(age)), 2),
                age_max=round(float(age.max()), 2),
                sites={str(s).partition("/")[2]: int(n) for s, n in
                       zip(places, counts, strict=True)},
                source=source,
                licence=licence,
            )
        )  # fmt: skip
    return tuple(described)

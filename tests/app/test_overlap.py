import pytest

from bids_brainage.app.overlap import trained_on
from bids_brainage.models.cards import TrainingSample


def sample(dataset, source):
    return TrainingSample(dataset, 10, 5, 5, 10, 20, 30, {}, source)


SAMPLES = (
    sample("abide1", "ABIDE I (Di Martino et al., 2014, doi:10.1038/mp.2013.78); FreeSurfer"),
    sample("ds002748-2mm", "OpenNeuro ds002748 (doi:10.1155/2021/8846097), T1w at 2 mm"),
    sample("ixi_muse", "IXI (brain-development.org), region volumes by NiChart DLMUSE"),
    sample("openneuro", "ds000115, ds003416, table of PCNtoolkit braincharts"),
    sample("fcon1000", "1000 Functional Connectomes (Biswal et al., 2010), table"),
)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Brain age and sex of: ABIDE preprocessed"], ["abide1"]),
        (["x", "10.1038/mp.2013.78"], ["abide1"]),
        (["file:///data/ds002748"], ["ds002748-2mm"]),
        (["OpenNeuro ds003416"], ["openneuro"]),
        (["doi:10.18112/openneuro.ds003416.v2.0.1"], ["openneuro"]),
        (["The 1000 functional connectomes project"], ["fcon1000"]),
        (["Functional connectomes of 1000 people"], []),
        (["ixi"], ["ixi_muse"]),
        (["OpenNeuro ds000030"], []),
        (["DLMUSE volumes of our MRI study"], []),
        (["a matrix of maxima"], []),
        ([], []),
    ],
)
def test_datasets_are_recognised_by_number_doi_or_name(texts, found):
    assert trained_on(texts, SAMPLES) == found

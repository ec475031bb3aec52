import nibabel as nib
import numpy as np

from bids_brainage.preprocessing.atlas import load_atlas, packaged_name


def test_aal_has_its_120_regions_in_mni_space():
    aal = load_atlas("aal")
    assert packaged_name("AAL") == aal.name == "AAL"
    assert len(aal.regions) == len(set(aal.regions)) == len(aal.values) == 120
    data = np.asarray(aal.labels.dataobj)
    assert set(np.unique(data)) == {0, *aal.values}
    for value, name in zip(aal.values, aal.regions, strict=True):
        if name.endswith(("_L", "_R")):
            voxels = np.argwhere(data == value)
            x = nib.affines.apply_affine(aal.labels.affine, voxels)[:, 0].mean()
            assert (x < 0) == name.endswith("_L")

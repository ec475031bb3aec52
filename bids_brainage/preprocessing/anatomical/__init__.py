"""From a raw T1w to tissues, brain mask and standard space."""

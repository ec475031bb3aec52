"""From a raw BOLD run to a run in standard space with a table of confounds."""

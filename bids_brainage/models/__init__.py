"""Networks, model cards and weights."""

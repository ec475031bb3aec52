"""Training, baselines and cross-validation."""

"""Training of the volume regression: tables, models, folds and cards."""

"""Conditional variational autoencoder of measures given age and sex."""

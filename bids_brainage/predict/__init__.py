"""Predictions from features with loaded models."""

"""Morphometry and connectivity features."""

"""Training of ResNeXt."""

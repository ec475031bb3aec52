"""Figures of generative models, each a function from numbers to SVG text or PNG bytes."""

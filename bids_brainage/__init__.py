"""BIDS App for brain age and sex from structural and functional MRI."""

__version__ = "0.1.0"

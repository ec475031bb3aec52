"""Training of the autoencoders of the family ``aegan``."""

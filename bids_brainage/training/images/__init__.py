"""Training of networks that take a T1w in template space: what all families share."""

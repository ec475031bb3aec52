"""Training of TSAN."""

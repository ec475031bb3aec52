"""Atlases, confounds and denoising of BOLD."""

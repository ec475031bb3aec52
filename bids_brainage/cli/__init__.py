"""Command lines: the BIDS App and the brainage tool."""

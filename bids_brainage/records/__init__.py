"""Plain records that travel between the rooms; no I/O, no heavy library."""

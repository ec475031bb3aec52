"""Finding BIDS inputs and writing BIDS outputs."""

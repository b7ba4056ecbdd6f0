"""What the numbers mean: fits, bands, drivers."""

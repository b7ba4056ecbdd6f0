"""How fast the product is, as ratios within one run on the same data: `make benchmark`."""

"""The vendors: each folder here is one, found by itself."""

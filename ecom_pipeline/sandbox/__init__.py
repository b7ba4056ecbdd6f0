"""A simulated shop behind its vendors' APIs, for the demo and the tests."""

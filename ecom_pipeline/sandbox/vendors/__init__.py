"""The simulated vendors: one module each, found by the server through its `routes(world)`."""

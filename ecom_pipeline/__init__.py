"""A self-hosted cockpit for online shops: from the vendors' APIs to a weekly PDF people steer by."""

__version__ = "0.1.0"

"""Stores: the protocol, and the embedded engine."""

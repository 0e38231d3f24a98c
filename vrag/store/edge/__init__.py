"""Qdrant Edge in this process: what the protocol asks for comes in, and goes out as it says."""

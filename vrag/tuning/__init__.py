"""Tuning: an index and queries come in, the cheapest cascade that keeps enough goes out."""

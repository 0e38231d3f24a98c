"""Stores: records and requests come in, found records go out; Qdrant, embedded or served, stays behind this door."""

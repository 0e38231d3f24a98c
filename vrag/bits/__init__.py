"""Packed bits: stored vectors come in; fast estimates of MaxSim, kept beside the store, go out."""

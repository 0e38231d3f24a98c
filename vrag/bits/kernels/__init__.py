"""Kernels: packed bits and a query come in, MaxSim goes out; compiled, or by numpy."""

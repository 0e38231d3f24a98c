"""The fast path: packed sign bits of the stored vectors beside an embedded index, and MaxSim over them."""

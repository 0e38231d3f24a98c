"""Size and time of an index before it is made: a measured sample, and formulas."""

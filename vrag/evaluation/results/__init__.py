"""Results: runs come in; rows of numbers beside published ones, and comparisons of two, go out."""

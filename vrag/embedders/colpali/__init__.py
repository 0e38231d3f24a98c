"""ColPali-style checkpoints, run by colpali-engine and torch."""

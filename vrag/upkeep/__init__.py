"""Upkeep: an index comes in; a checked, repooled, copied or saved one goes out."""

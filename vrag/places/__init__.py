"""Places: a folder or an address comes in; what lies there, opened and locked, goes out."""

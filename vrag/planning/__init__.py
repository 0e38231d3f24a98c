"""Planning: a folder, or this machine, comes in; what an index would take, and what is missing here, goes out."""

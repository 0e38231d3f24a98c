"""Remote: an index that another process holds; calls go to that process, and what it answers comes back."""

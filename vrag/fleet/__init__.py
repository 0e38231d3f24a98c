"""Reading and embedding spread over a Ray cluster; the driver alone writes to the index."""

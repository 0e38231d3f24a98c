"""A Qdrant server: what the protocol asks for comes in; everything that comes back is checked at one border."""

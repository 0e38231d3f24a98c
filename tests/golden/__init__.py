"""The golden contract: what the command line and the API answered when it was recorded, and must answer still."""

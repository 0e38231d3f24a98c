"""The version of vrag, which a service and its callers must share."""

__version__ = "0.1.0"

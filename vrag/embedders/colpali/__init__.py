"""ColPali-style models through colpali-engine: a picture of the page becomes one vector a patch.

Nothing here loads torch before a model is loaded.
"""

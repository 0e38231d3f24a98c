"""Late-interaction models over page pictures in ONNX, without torch: fastembed prepares the inputs.

Nothing here loads fastembed before a model is loaded.
"""

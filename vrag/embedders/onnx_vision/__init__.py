"""Models of page pictures as ONNX graphs, run by fastembed without torch."""

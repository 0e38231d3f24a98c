"""Speed: synthetic or real vectors come in, times and memory beside other systems go out."""

"""The multilingual model of words: multilingual-e5-small, out of a package that carries it in 4 bits a weight."""

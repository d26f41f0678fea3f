"""Training past memory: the articles are read from disk, over and over, and never held all at once."""

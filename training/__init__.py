"""Training: from labelled articles to a model on disk, and the measures of how good it is."""

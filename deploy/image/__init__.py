"""The container image: assembled from nothing, and run before it is called good."""

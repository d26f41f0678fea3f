"""The command line: the outermost layer, which may call the core, training and the service; none of them calls it."""

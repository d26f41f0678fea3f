"""Messages as they cross the wire, made from the protos by `make protos`."""

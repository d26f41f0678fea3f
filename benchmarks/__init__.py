"""Speed, measured beside what people would use otherwise: `make bench`."""

"""Slugline under duress: fuzzed, soaked, reloaded, overloaded, killed."""

"""Targets of fuzzing: each module has `seeds()`, valid inputs, and `check(data)`, which raises on a fault."""

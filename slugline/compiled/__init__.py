"""The compiled scorer: a model laid out in tables, and the C code that reads them at the speed of memory."""

"""Servers to compare with, each run as a process of its own."""

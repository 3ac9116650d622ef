"""Compiled engines: their file, their cache and the sizes they are built for."""

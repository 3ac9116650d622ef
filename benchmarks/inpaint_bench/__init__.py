"""Measures restoration: quality and speed, beside peers, on a machine that is described."""

"""Measures readers of text: beside others that read, and on lines that restorers gave back."""

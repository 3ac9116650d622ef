"""The quality benchmark."""

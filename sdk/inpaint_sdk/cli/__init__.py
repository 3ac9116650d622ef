"""The command line, ``inpaint-sdk``."""

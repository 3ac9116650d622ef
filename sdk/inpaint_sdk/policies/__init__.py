"""What to do to a picture: inpaint it, enhance it, or what it needs (``auto``)."""

"""Pictures and masks in every form that they come in, from arrays to files."""

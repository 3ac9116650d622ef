"""Model files: what they hold, what they say of themselves, and those that are bundled."""

"""The SDK around its networks, row by row, each against a bar."""

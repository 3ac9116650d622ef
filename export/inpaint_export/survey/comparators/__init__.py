"""What the survey's tables compare our networks with."""

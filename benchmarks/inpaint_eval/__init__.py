"""Pictures, masks, damage and scores: what training and the benchmark both measure with."""

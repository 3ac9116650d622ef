"""What a model is used for: inpainting, restoring, finding damage."""

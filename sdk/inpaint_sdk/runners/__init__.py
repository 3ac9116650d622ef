"""One model on one picture: crops for inpainting, tiles for mask-free models, the detector."""

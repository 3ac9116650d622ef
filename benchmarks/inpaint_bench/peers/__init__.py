"""Others' inpainting, to stand beside ours."""

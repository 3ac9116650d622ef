"""A restorer over frames in order: fixed mask, static damage, damage in each frame, steadiness."""

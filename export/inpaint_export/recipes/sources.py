"""What model files say of the pictures that they were trained on, where several do."""

from __future__ import annotations

LICENCE = "Apache-2.0 (weights); trained on research-only pictures, see training_data"

PHOTOGRAPHS = (
    "863 of a public ImageNet sample (non-commercial research) and 400 of BSDS500, train and test "
    "parts (research)."
)

MORE_PHOTOGRAPHS = (
    f"3132 photographs: {PHOTOGRAPHS[:-1]}; 1869 of public repositories (research; streets, rooms, "
    "people, landscapes, textures)."
)

REDUCED_PHOTOGRAPHS = (
    "1869 photographs of public repositories (research; streets, rooms, people, landscapes, "
    "textures)."
)

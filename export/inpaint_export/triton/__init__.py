"""A model repository for NVIDIA Triton: what its server is given, and what it runs."""

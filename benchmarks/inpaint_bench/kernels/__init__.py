"""The recurrent scan on the processor, and on a GPU through its CUDA program."""

"""Model files of lower precision, made from fp32 ones and measured against them.

Precision is in the graph: TensorRT 11 builds nothing else, and every runtime then computes the
same. ``trunk`` says which nodes change, ``fp16`` and ``int8`` change them, ``loss`` measures what
that costs.
"""

"""Vector quantisation: a codebook that is learned by moving averages, and how it is looked up.

Van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017; moving averages as in
its appendix, restarts of unused entries as in Dhariwal et al., "Jukebox", 2020.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

UNUSED = 0.1
"""Share of an even share of the vectors below which an entry counts as unused."""


class VectorQuantiser(nn.Module):
    """A codebook of ``codes`` entries of ``channels`` numbers.

    The entries are buffers: :meth:`update` moves them, no gradient does.
    """

    codebook: Tensor  # [K, C]
    counts: Tensor  # [K], vectors a step on average
    sums: Tensor  # [K, C], of those vectors

    def __init__(self, codes: int, channels: int, decay: float = 0.95) -> None:
        super().__init__()
        self.codes = codes
        self.decay = decay
        self.register_buffer("codebook", torch.zeros(codes, channels))
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, channels))

    def complete(self, missing: set[str]) -> set[str]:
        """Makes averages that fit a codebook that came alone; returns their names."""
        if not {"counts", "sums"} <= missing or "codebook" in missing:
            return set()
        self.counts.fill_(1.0)
        self.sums.copy_(self.codebook)
        return {"counts", "sums"}

    def nearest(self, vectors: Tensor) -> Tensor:
        """Indices [...] of the entries nearest to vectors [..., C]."""
        with torch.autocast(vectors.device.type, enabled=False):
            distance = self.codebook.square().sum(dim=1) - 2.0 * vectors.float() @ self.codebook.T
        return distance.argmin(dim=-1)

    def entries(self, indices: Tensor) -> Tensor:
        """The entries [..., C] of indices [...]."""
        return F.embedding(indices, self.codebook)

    def expected(self, logits: Tensor) -> Tensor:
        """The mean entry [..., C] under the probabilities of logits [..., K]."""
        return torch.softmax(logits, dim=-1) @ self.codebook

    @torch.no_grad()
    def update(self, vectors: Tensor, indices: Tensor) -> None:
        """Moves the entries towards the vectors that chose them, and starts unused ones again.

        vectors: [M, C], at least one. indices: [M], of their nearest entries.
        """
        with torch.autocast(vectors.device.type, enabled=False):
            chosen = vectors.float()
            one_hot = F.one_hot(indices, self.codes).float()  # [M, K]
            self.counts.lerp_(one_hot.sum(dim=0), 1.0 - self.decay)
            self.sums.lerp_(one_hot.T @ chosen, 1.0 - self.decay)
            even = len(chosen) / self.codes
            unused = self.counts < UNUSED * even
            picks = torch.randint(len(chosen), (self.codes,), device=chosen.device)
            self.counts.masked_fill_(unused, even)  # the share that is hoped for
            self.sums.copy_(torch.where(unused[:, None], even * chosen[picks], self.sums))
            self.codebook.copy_(self.sums / self.counts[:, None])

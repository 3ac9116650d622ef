"""The ``transformer`` family: structure from attention over a learned codebook, then sharpening.

After the survey's section 3.1 (Yu, 2023). A fully connected layer over small patches and a CNN that
shrinks the picture see what is known; a transformer predicts, for each patch of the hole, entries
of a codebook; the CNN's decoder turns them into a picture; a sharpening module works on that
picture and the known pixels. The three networks of this file hold each other, in the order in which
they are trained.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import SLOPE, ResidualBlock, start_at_zero
from inpaint_export.models.cnn import CnnConfig, CnnInpainter, Features
from inpaint_export.models.quantiser import VectorQuantiser
from inpaint_export.models.vit import TransformerBlock
from inpaint_sdk import Memory

CELL = 8
"""Pixels on a side of what one entry of the codebook describes."""

PATCH = 16
"""Pixels on a side of a token; it predicts the entries of its :data:`CELLS`."""

CELLS = (PATCH // CELL) ** 2
"""Of a token."""

ATTENTION_MEMORY = Memory(bytes_per_pixel=120, bytes_per_pixel_squared=8e-4)


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of a :class:`CodebookAutoencoder`.

    cnn: of the CNN encoder and the decoder. codes: entries of the codebook. channels: of an entry.
    width: channels of the layers that make a code of a cell.
    """

    cnn: CnnConfig = field(default_factory=CnnConfig)
    codes: int = 512
    channels: int = 32
    width: int = 96


class CodebookAutoencoder(nn.Module):
    """A picture from its known pixels and the codes of what the hole hides.

    A code says how a cell differs from the smooth fill that the CNN starts from, so the codebook
    is spent on structure and not on colours that the surroundings tell.
    """

    size_multiple = 16
    memory = Memory(bytes_per_pixel=200)

    def __init__(self, config: AutoencoderConfig | None = None) -> None:
        super().__init__()
        config = config or AutoencoderConfig()
        width, eighth = config.width, config.cnn.widths[1]
        self.cnn = CnnInpainter(config.cnn)
        self.code_encoder = CodeEncoder(width, config.channels)
        self.quantiser = VectorQuantiser(config.codes, config.channels)
        self.hint = nn.Sequential(
            nn.Conv2d(config.channels, eighth, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            ResidualBlock(eighth),
            nn.Conv2d(eighth, eighth, 3, padding=1),
        )
        start_at_zero(self.hint[-1])

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """The picture from its own codes; tensors are those of :class:`CnnInpainter`."""
        filled = self.cnn.filled(image, mask)
        codes = self.quantiser.nearest(self.code_encoder(image, filled, mask))
        return self.decode(
            filled, mask, self.cnn.encode(filled, mask), self.quantiser.entries(codes)
        )

    def decode(self, filled: Tensor, mask: Tensor, features: Features, entries: Tensor) -> Tensor:
        """The picture from its fill, what the CNN sees of that, and entries [N, H/8, W/8, C]."""
        condition = self.hint(entries.permute(0, 3, 1, 2))
        return filled + mask * self.cnn.decode(features, condition)


class CodeEncoder(nn.Module):
    """Describes cells of a whole picture by vectors; it is needed for training alone."""

    adamw = ("stem", "head")

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, width, CELL, stride=CELL)
        self.block = ResidualBlock(width)
        self.head = nn.Conv2d(width, channels, 1)
        # Vectors that lie close together would all choose the same few entries.
        self.spread = nn.BatchNorm2d(channels, affine=False)

    def forward(self, image: Tensor, filled: Tensor, mask: Tensor) -> Tensor:
        """Vectors [N, H/8, W/8, C] of pictures [N, 3, H, W], given their fill and mask."""
        x = torch.cat([image - filled, mask], dim=1)
        x = self.head(self.block(F.leaky_relu(self.stem(x), SLOPE)))
        return self.spread(x).permute(0, 2, 3, 1)


Lookup = Literal["argmax", "soft", "continuous"]
"""How the transformer's output becomes the decoder's input.

argmax: the likeliest entry. soft: the mean entry under the predicted probabilities. continuous: no
codebook, but as many numbers as an entry has.
"""


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a :class:`CodebookInpainter`'s transformer.

    width: of a token. depth: blocks. heads: of each block's attention. expansion: of the layers
    between. rounds: in which entries are predicted, the surest first; a round is told those of the
    ones before it. For one round a codebook is not needed.
    """

    width: int = 192
    depth: int = 6
    heads: int = 6
    expansion: int = 3
    lookup: Lookup = "soft"
    rounds: int = 1

    def __post_init__(self) -> None:
        if self.rounds > 1 and self.lookup == "continuous":
            raise ValueError(
                f"rounds is {self.rounds}; a continuous lookup has one, since it has no entries"
            )


class CodebookInpainter(nn.Module):
    """The autoencoder's decoder, with codes that a transformer predicts."""

    size_multiple = 16
    memory = ATTENTION_MEMORY
    adamw = ("stem", "head")

    def __init__(
        self,
        autoencoder: AutoencoderConfig | None = None,
        transformer: TransformerConfig | None = None,
    ) -> None:
        super().__init__()
        autoencoder = autoencoder or AutoencoderConfig()
        transformer = transformer or TransformerConfig()
        self.lookup = transformer.lookup
        self.autoencoder = CodebookAutoencoder(autoencoder)
        width = transformer.width
        self.stem = nn.Conv2d(4, width, PATCH, stride=PATCH)  # one layer on all of a patch
        self.local = nn.Conv2d(autoencoder.cnn.widths[2], width, 1)
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(width, transformer.heads, transformer.expansion)
                for _ in range(transformer.depth)
            )
        )
        continuous = transformer.lookup == "continuous"
        outputs = autoencoder.channels if continuous else autoencoder.codes
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs * CELLS)
        self.rounds = transformer.rounds
        if self.rounds > 1:
            # Of each cell: its entry, and whether it is known.
            told = CELLS * (autoencoder.channels + 1)
            self.told = nn.Conv2d(told, width, 1, bias=False)
            start_at_zero(self.told)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Repairs a picture; tensors are those of :class:`CnnInpainter`."""
        return self.repair(image, mask)[0]

    def repair(
        self, image: Tensor, mask: Tensor, told: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The repaired picture, and the transformer's output for the cells of each token.

        told: what :meth:`tell` makes, for a single round that is told it; None for all rounds. The
        output is [N, H/16, W/16, CELLS, K], logits of the codebook's entries, or where the lookup
        is continuous, features [N, H/16, W/16, CELLS, C].
        """
        filled, features, seen = self._see(image, mask)
        output = self._in_rounds(seen, mask) if told is None else self._predict(seen, told)
        entries = join_cells(self._look_up(output))
        return self.autoencoder.decode(filled, mask, features, entries), output

    def predict(self, image: Tensor, mask: Tensor) -> Tensor:
        """The transformer's output after all rounds, as :meth:`repair` gives it."""
        return self._in_rounds(self._see(image, mask)[2], mask)

    def first_guess(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What a second round is told: codes [N, H/16, W/16, CELLS], and which of them, 1 or 0."""
        output = self._predict(self._see(image, mask)[2])
        return output.argmax(dim=-1), surest(output, split_cells(cells_of(mask).to(output.dtype)))

    def true_codes(self, image: Tensor, mask: Tensor) -> Tensor:
        """Codes of the hidden picture, [N, H/16, W/16, CELLS]."""
        filled = self.autoencoder.cnn.filled(image, mask)
        vectors = self.autoencoder.code_encoder(image, filled, mask)
        return split_cells(self.autoencoder.quantiser.nearest(vectors))

    def hole_figures(
        self, pairs: Iterable[tuple[Tensor, Tensor]], device: torch.device
    ) -> dict[str, float]:
        """Of pictures and masks, for validation.

        codes_right: share of the holes' cells whose entry is predicted. entries_used: share of the
        entries that are predicted for at least a tenth of an even share of cells. Nothing where the
        lookup is continuous.
        """
        if self.lookup == "continuous":
            return {}
        right, chosen = [], []
        for image, mask in pairs:
            image, mask = image.to(device), mask.to(device)
            hole = split_cells(cells_of(mask))
            codes = self.predict(image, mask).argmax(dim=-1)[hole]
            right.append((codes == self.true_codes(image, mask)[hole]).float())
            chosen.append(codes)
        count = self.autoencoder.quantiser.codes
        share = torch.bincount(torch.cat(chosen), minlength=count) / sum(map(len, chosen))
        used = (share >= 0.1 / count).float().mean()
        return {
            "codes_right": round(float(torch.cat(right).mean()), 4),
            "entries_used": round(float(used), 4),
        }

    def tell(self, codes: Tensor, known: Tensor) -> Tensor:
        """Codes [N, H/16, W/16, CELLS] as a round is told them: [N, CELLS * (C + 1), H/16, W/16].

        known: which of them are told, 1 or 0, of the codes' shape.
        """
        marked = known[..., None]
        cells = torch.cat([self.autoencoder.quantiser.entries(codes) * marked, marked], dim=-1)
        return cells.flatten(3).permute(0, 3, 1, 2)

    def _see(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Features, Tensor]:
        """The filled picture, what the CNN sees of it, and tokens [N, width, H/16, W/16]."""
        cnn = self.autoencoder.cnn
        filled = cnn.filled(image, mask)
        features = cnn.encode(filled, mask)
        patches = self.stem(torch.cat([filled - 0.5, mask - 0.5], dim=1))
        return filled, features, patches + self.local(features.sixteenth)

    def _predict(self, seen: Tensor, told: Tensor | None = None) -> Tensor:
        """One round."""
        x = self.blocks(seen if told is None else seen + self.told(told))
        return self.head(self.norm(x.permute(0, 2, 3, 1))).unflatten(3, (CELLS, -1))

    def _in_rounds(self, seen: Tensor, mask: Tensor) -> Tensor:
        output = self._predict(seen)
        if self.rounds == 1:
            return output
        unknown = split_cells(cells_of(mask).to(output.dtype))
        codes, known = output.argmax(dim=-1), torch.zeros_like(unknown)
        for _ in range(self.rounds - 1):
            sure = surest(output, unknown)
            codes = torch.where(sure > 0.0, output.argmax(dim=-1), codes)
            known, unknown = known + sure, unknown - sure
            output = self._predict(seen, self.tell(codes, known))
        return output

    def _look_up(self, output: Tensor) -> Tensor:
        """Entries [..., C] for an output [..., K], or for one [..., C] itself."""
        quantiser = self.autoencoder.quantiser
        if self.lookup == "argmax":
            return quantiser.entries(output.argmax(dim=-1))
        if self.lookup == "soft":
            return quantiser.expected(output)
        return output


def cells_of(mask: Tensor) -> Tensor:
    """Which cells have a part in the hole: bool [N, H/8, W/8] for masks [N, 1, H, W]."""
    return F.max_pool2d(mask, CELL)[:, 0] > 0.0


def surest(output: Tensor, among: Tensor) -> Tensor:
    """Which cells' predictions are surer than the picture's mean, 1 or 0.

    output: logits [N, h, w, CELLS, K]. among: the cells that count, [N, h, w, CELLS], 1 or 0; only
    they are sure. As in MaskGIT (Chang et al., CVPR 2022), but for a mean in place of a rank, which
    every runtime computes.
    """
    probability = torch.log_softmax(output, dim=-1).amax(dim=-1)
    total = (probability * among).sum(dim=(1, 2, 3), keepdim=True)
    mean = total / among.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1.0)
    return among * (probability >= mean).to(among.dtype)


def join_cells(tokens: Tensor) -> Tensor:
    """From the cells of tokens, [N, h, w, CELLS, C], to cells [N, 2 * h, 2 * w, C]."""
    rows = tokens.unflatten(3, (PATCH // CELL, -1)).transpose(2, 3)  # [N, h, 2, w, 2, C]
    return rows.flatten(3, 4).flatten(1, 2)


def split_cells(cells: Tensor) -> Tensor:
    """From one number for each cell, [N, 2 * h, 2 * w], to those of tokens, [N, h, w, CELLS]."""
    side = PATCH // CELL
    return cells.unflatten(2, (-1, side)).unflatten(1, (-1, side)).transpose(2, 3).flatten(3)


@dataclass(frozen=True)
class SharpenerConfig:
    """Sizes of a :class:`Sharpener`.

    width: channels. dilations: one residual block at 1/4 for each entry, with that dilation.
    """

    width: int = 64
    dilations: tuple[int, ...] = (1, 2, 4, 1)


class Sharpener(nn.Module):
    """Gives a decoded picture back the detail that decoding blurs, from the known pixels near."""

    adamw = ("stem", "head")

    def __init__(self, config: SharpenerConfig | None = None) -> None:
        super().__init__()
        config = config or SharpenerConfig()
        self.stem = nn.Conv2d(4, config.width, 8, stride=4, padding=2)
        self.blocks = nn.Sequential(*(ResidualBlock(config.width, d) for d in config.dilations))
        self.head = nn.Conv2d(config.width, 48, 3, padding=1)
        start_at_zero(self.head)

    def forward(self, decoded: Tensor, mask: Tensor) -> Tensor:
        """The sharpened picture; decoded [N, 3, H, W] has the known pixels as they are."""
        x = torch.cat([decoded - 0.5, mask - 0.5], dim=1)
        x = self.blocks(F.leaky_relu(self.stem(x), SLOPE))  # [N, width, H/4, W/4]
        return decoded + mask * F.pixel_shuffle(self.head(x), 4)


class SharpenedInpainter(nn.Module):
    """All of it: a codebook inpainter, and the sharpening module on its picture."""

    size_multiple = 16
    memory = ATTENTION_MEMORY

    def __init__(
        self,
        autoencoder: AutoencoderConfig | None = None,
        transformer: TransformerConfig | None = None,
        sharpener: SharpenerConfig | None = None,
    ) -> None:
        super().__init__()
        self.inpainter = CodebookInpainter(autoencoder, transformer)
        self.sharpener = Sharpener(sharpener)

    def hole_figures(
        self, pairs: Iterable[tuple[Tensor, Tensor]], device: torch.device
    ) -> dict[str, float]:
        """See :meth:`CodebookInpainter.hole_figures`."""
        return self.inpainter.hole_figures(pairs, device)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Repairs a picture; tensors are those of :class:`CnnInpainter`."""
        return self.sharpener(self.inpainter(image, mask), mask)

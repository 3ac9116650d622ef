"""Deep reinforcement learning with a GAN, of the survey's table 5, which names no paper.

After Yu, Dong, Lin, Loy: "Crafting a Toolchain for Image Restoration by Deep Reinforcement
Learning", CVPR 2018. An agent looks at the picture, chooses one of some small tools, looks at what
that made of it and chooses again, until it stops. Each tool first learns one kind of distortion;
then the agent learns by the gain in PSNR of each step, and the tools learn on from where its
choices lead. Advantage actor-critic (Mnih et al., ICML 2016) stands for the paper's Q-learning; a
critic of patches judges the pictures at the end.

Left out: the agent's LSTM, in whose place it is told its last choice; more than one strength of
each tool. In a model file all tools run at each step and what was chosen is kept, since a graph for
batches cannot choose: it costs three times what was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.data.distortions import KINDS
from inpaint_export.models.blocks import REPLICATE, SLOPE, residual_blocks, start_at_zero
from inpaint_export.survey.comparators.adversarial import AdversarialObjective, PatchCritic, truth
from inpaint_export.survey.comparators.layers import conv
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory

STOP = len(KINDS)
"""The agent's last choice, after the tools: the picture stays as it is, and the chain ends."""

FLOOR = (0.5 / 255.0) ** 2
"""Squared error below which rewards grow no further: what is right already cannot be gained on."""


class Tool(nn.Module):
    """A small network that adds what it makes to the picture; at first nothing."""

    adamw = ("stem", "head")

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 8, stride=4, padding=2, padding_mode=REPLICATE)
        self.blocks = residual_blocks(width, 2, REPLICATE)
        self.head = nn.Conv2d(width, 48, 3, padding=1, padding_mode=REPLICATE)
        start_at_zero(self.head)

    def forward(self, image: Tensor) -> Tensor:
        x = self.blocks(F.leaky_relu(self.stem(image - 0.5), SLOPE))
        return image + F.pixel_shuffle(self.head(x), 4)


class Agent(nn.Module):
    """What to do next, and how much PSNR is still to be gained, in bel."""

    adamw = ("policy", "value")

    def __init__(self, choices: int, width: int = 32) -> None:
        super().__init__()
        self.see = nn.Sequential(
            conv(3, width // 2, 4, stride=2, norm="none", slope=SLOPE),
            conv(width // 2, width, 4, stride=2, norm="none", slope=SLOPE),
            conv(width, width, 4, stride=2, norm="none", slope=SLOPE),
        )
        self.think = nn.Linear(width + choices, width)
        self.policy = nn.Linear(width, choices)
        self.value = nn.Linear(width, 1)

    def forward(self, picture: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the choices [N, K] and the value [N], from [N, 3, H, W] and [N, K]."""
        seen = self.see(picture - 0.5).mean(dim=(2, 3))
        x = F.leaky_relu(self.think(torch.cat([seen, last], dim=1)), SLOPE)
        return self.policy(x), self.value(x)[:, 0]


class Toolchain(nn.Module):
    """An agent and its tools, one for each kind of distortion."""

    size_multiple = 8
    memory = Memory(bytes_per_pixel=130)

    def __init__(self, width: int = 22, length: int = 3) -> None:
        super().__init__()
        self.length = length
        self.tools = nn.ModuleList(Tool(width) for _ in KINDS)
        self.agent = Agent(STOP + 1)

    def forward(self, image: Tensor) -> Tensor:
        """From RGB [N, 3, H, W] in [0, 1] to the restored picture, by the likeliest choices."""
        picture = image
        running = torch.ones_like(image[:, :1, :1, :1])  # [N, 1, 1, 1]
        last = no_choice(image)
        for _ in range(self.length):
            logits, _ = self.agent(picture, last)
            last = F.one_hot(logits.argmax(dim=1), STOP + 1).to(image.dtype)
            chosen = last[..., None, None] * running  # [N, K, 1, 1]
            made = [tool(picture) for tool in self.tools]
            changes = [chosen[:, k, None] * (made[k] - picture) for k in range(STOP)]
            picture = picture + torch.stack(changes).sum(dim=0)
            running = running * (1.0 - last[:, STOP, None, None, None])
        return picture

    def use(self, picture: Tensor, choice: Tensor) -> Tensor:
        """Each picture [N, 3, H, W] under the tool of its choice [N]; under no other."""
        order = torch.argsort(choice, stable=True)
        counts = torch.bincount(choice, minlength=STOP + 1).tolist()
        *groups, left = picture[order].split(counts)
        made = [tool(g) if len(g) else g for tool, g in zip(self.tools, groups, strict=True)]
        return torch.cat([*made, left])[torch.argsort(order)]


@dataclass(frozen=True)
class Episode:
    """Choices and what came of them, [length, N] each; 0 after the chain's end.

    output: [N, 3, H, W]. log_probabilities: of the choices. rewards: gains in PSNR, in bel.
    """

    output: Tensor
    log_probabilities: Tensor
    values: Tensor
    entropies: Tensor
    rewards: Tensor


def play(model: Toolchain, image: Tensor, clear: Tensor) -> Episode:
    """Lets the agent choose at random, by its policy. Gradients of the output are the tools'."""
    picture, last = image, no_choice(image)
    running = torch.ones(len(image), dtype=torch.bool, device=image.device)
    steps = []
    for _ in range(model.length):
        logits, value = model.agent(picture.detach(), last)
        policy = torch.distributions.Categorical(logits=logits.float())
        choice = torch.where(running, policy.sample(), STOP)
        after = model.use(picture, choice)
        reward = (psnr_in_bel(after, clear) - psnr_in_bel(picture, clear)).detach()
        noted = (policy.log_prob(choice), value.float(), policy.entropy(), reward)
        steps.append(torch.stack([figure * running for figure in noted]))
        running = running & (choice != STOP)
        picture, last = after, F.one_hot(choice, STOP + 1).to(image.dtype)
    return Episode(picture, *torch.stack(steps, dim=1))


def actor_critic_loss(episode: Episode, *, discount: float = 0.99, entropy: float = 0.01) -> Tensor:
    """The policy's loss by advantages, the value's squared error, and the policy's entropy."""
    returns = torch.zeros_like(episode.rewards)
    following = torch.zeros_like(episode.rewards[0])
    for index in reversed(range(len(returns))):
        following = episode.rewards[index] + discount * following
        returns[index] = following
    advantage = returns - episode.values
    policy = -(episode.log_probabilities * advantage.detach()).mean()
    return policy + 0.5 * advantage.square().mean() - entropy * episode.entropies.mean()


def no_choice(image: Tensor) -> Tensor:
    """What the agent is told before its first choice, [N, K]."""
    return image.new_zeros(image.shape[0], STOP + 1)


def psnr_in_bel(picture: Tensor, clear: Tensor) -> Tensor:
    """PSNR of each picture, in bel, which are ten dB, [N]."""
    return -torch.log10((picture - clear).square().mean(dim=(1, 2, 3)) + FLOOR)


class ReinforcedAdversarial(AdversarialObjective):
    """Tools by themselves, then the agent with them; a critic of patches from start to end.

    alone: share of the run in which each picture goes to the tool of what it suffers from most.
    """

    model: Toolchain

    def __init__(self, model: nn.Module, *, alone: float = 0.4, weight: float = 0.001) -> None:
        super().__init__(model, PatchCritic(3, "spectral"), loss="hinge", weight=weight)
        self.alone = alone

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        image, clear = batch["image"], truth(batch)
        if self.progress < self.alone:
            strength = batch["strength"]
            choice = torch.where(strength.amax(dim=1) > 0.0, strength.argmax(dim=1), STOP)
            output = self.model.use(image, choice).float()
            return output, (output - clear).abs().mean()
        episode = play(self.model, image, clear)
        output = episode.output.float()
        self.note(gain=10.0 * episode.rewards.sum(dim=0).mean())
        return output, (output - clear).abs().mean() + actor_critic_loss(episode)

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5)
        return scores

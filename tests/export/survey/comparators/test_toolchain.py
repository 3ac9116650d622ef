"""The toolchain: tools by their choices, an end, and an agent that follows its reward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.survey.comparators.toolchain import (
    STOP,
    Episode,
    ReinforcedAdversarial,
    Toolchain,
    actor_critic_loss,
    no_choice,
    play,
)
from inpaint_export.training.objective import Batch


class Add(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, image: Tensor) -> Tensor:
        return image + self.by


def with_shifts(*shifts: float, length: int = 1) -> Toolchain:
    torch.manual_seed(0)
    model = Toolchain(8, length)
    model.tools = nn.ModuleList(Add(by) for by in shifts)
    return model


def choose(model: Toolchain, choice: int) -> None:
    """Makes the agent choose the same whatever it sees."""
    model.agent.policy.weight.data.zero_()
    model.agent.policy.bias.data.copy_(10.0 * torch.eye(STOP + 1)[choice])


def test_each_picture_goes_through_the_tool_of_its_choice() -> None:
    model = with_shifts(0.1, 0.2, 0.3)
    picture = torch.rand(5, 3, 16, 16)
    choice = torch.tensor([2, 0, STOP, 1, 0])
    expected = picture + torch.tensor([0.3, 0.1, 0.0, 0.2, 0.1])[:, None, None, None]
    torch.testing.assert_close(model.use(picture, choice), expected)


@pytest.mark.parametrize(("choice", "added"), [(0, 0.3), (1, 0.6), (STOP, 0.0)])
def test_a_model_file_s_graph_does_what_the_agent_chooses(choice: int, added: float) -> None:
    model = with_shifts(0.1, 0.2, 0.3, length=3)
    choose(model, choice)
    picture = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(model(picture), picture + added)


def test_nothing_is_chosen_after_the_end() -> None:
    model = with_shifts(0.1, 0.2, 0.3, length=3)

    def decide(picture: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        first = torch.eye(STOP + 1)[STOP] if last.sum() == 0.0 else torch.eye(STOP + 1)[0]
        return 50.0 * first.expand(len(picture), -1), torch.ones(len(picture))

    model.agent.forward = decide  # type: ignore[method-assign, assignment]
    picture = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(model(picture), picture)
    episode = play(model, picture, picture)
    torch.testing.assert_close(episode.output, picture)
    assert (episode.values[0] == 1.0).all()
    assert (episode.values[1:] == 0.0).all()


@pytest.mark.parametrize("helpful", [0, 1, 2])
def test_the_agent_learns_to_choose_what_is_rewarded(helpful: int) -> None:
    shifts = [0.2, 0.2, 0.2]
    shifts[helpful] = -0.2
    model = with_shifts(*shifts)
    clear = 0.5 * torch.rand(16, 3, 16, 16)
    image = clear + 0.2
    optimizer = torch.optim.Adam(model.agent.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        actor_critic_loss(play(model, image, clear)).backward()
        optimizer.step()
    logits, _ = model.agent(image, no_choice(image))
    assert (torch.softmax(logits, dim=1)[:, helpful] > 0.6).all()
    torch.testing.assert_close(model(image), clear)


def test_advantages_count_what_follows_and_what_was_expected() -> None:
    ones = torch.ones(2, 1)
    episode = Episode(torch.zeros(1), -ones, torch.tensor([[1.0], [0.5]]), 0.0 * ones, ones)
    # Returns are 1.5 and 1, so advantages 0.5 and 0.5.
    loss = actor_critic_loss(episode, discount=0.5, entropy=0.0)
    assert loss == pytest.approx(0.5 + 0.5 * 0.25)


def test_tools_learn_alone_first_and_by_the_agent_s_choices_later(batch: Batch) -> None:
    objective = ReinforcedAdversarial(Toolchain(8, 2), alone=0.5)

    def agent_learns(progress: float) -> bool:
        objective.progress = progress
        objective.zero_grad()
        for _, loss in objective.losses(batch):
            loss.backward()
        assert any(p.grad is not None for p in objective.model.tools.parameters())
        return any(p.grad is not None for p in objective.model.agent.parameters())

    assert not agent_learns(0.0)
    assert agent_learns(0.5)

"""What makes CE, LGNet, SC-FEGAN and GMCNN themselves."""

from __future__ import annotations

import torch
from torch import nn

from inpaint_export.survey.comparators.attention_masked import CLEAR, COVERED, AttentionMasked
from inpaint_export.survey.comparators.context_encoder import ChannelwiseLinear
from inpaint_export.survey.comparators.gmcnn import MultiColumn, confidence, markov_field_loss
from inpaint_export.survey.comparators.lgnet import LgNet, SelfAttention
from inpaint_export.survey.comparators.sc_fegan import GatedAdversarial, GatedConv, GatedUNet
from inpaint_export.training.objective import Batch


def test_the_channelwise_layer_joins_all_positions_of_a_channel() -> None:
    layer = ChannelwiseLinear(3)
    x = torch.randn(1, 3, 8, 8)
    moved = x.clone()
    moved[0, 1, 7, 7] += 1.0
    layer.mix.weight.data.copy_(torch.eye(3)[..., None, None])
    layer.mix.bias.data.fill_(100.0)  # so that nothing is rectified
    changed = (layer(moved) - layer(x)).abs().amax(dim=(0, 2, 3))
    assert (layer(moved) - layer(x))[0, 1, 0, 0] != 0.0
    assert changed[0] == changed[2] == 0.0
    assert layer(torch.randn(2, 3, 5, 11)).shape == (2, 3, 5, 11)


def test_lgnet_s_networks_work_one_after_another(batch: Batch) -> None:
    model = LgNet((8, 8, 8, 8, 8), 4, 1).eval()
    seen = []
    for network in (model.coarse, model.local, model.whole):
        network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, :3]))
    image, mask = batch["clear"], batch["mask"]
    with torch.inference_mode():
        pictures = model.stages(image, mask)
    assert (seen[0] * mask == 0.0).all()  # the first is not shown what is in the hole
    for given, before in zip(seen[1:], pictures, strict=False):
        torch.testing.assert_close(given, before - 0.5)
    for picture in pictures:
        torch.testing.assert_close(picture * (1.0 - mask), image * (1.0 - mask))


def test_lgnet_s_attention_begins_as_nothing_and_sees_everything() -> None:
    layer = SelfAttention(8)
    x = torch.randn(1, 8, 6, 6)
    assert torch.equal(layer(x), x)
    layer.gain.data.fill_(1.0)
    moved = x.clone()
    moved[..., 5, 5] += 1.0
    assert ((layer(moved) - layer(x))[..., 0, 0] != 0.0).any()


def test_a_gate_decides_how_much_of_a_feature_counts() -> None:
    layer = GatedConv(2, 3)
    x = torch.randn(1, 2, 8, 8)
    bias = layer.both.bias
    assert bias is not None
    layer.both.weight.data[3:] = 0.0
    bias.data[3:] = -50.0
    assert layer(x).abs().max() < 1e-6
    bias.data[3:] = 50.0
    features = nn.functional.leaky_relu(layer.both(x)[:, :3], 0.2)
    torch.testing.assert_close(layer(x), features)


def test_columns_see_by_kernels_of_their_own() -> None:
    kernels = [
        {part.kernel_size for part in column.modules() if isinstance(part, nn.Conv2d)}
        for column in MultiColumn(4).columns
    ]
    assert kernels == [{(7, 7)}, {(5, 5)}, {(3, 3)}]


def test_confidence_falls_from_the_rim_inward() -> None:
    mask = torch.zeros(1, 1, 96, 96)
    mask[..., 8:88, 8:88] = 1.0
    weights = confidence(mask)
    line = weights[0, 0, 48, 8:48]  # to the middle, whose two pixels are alike
    assert (line.diff() < 0.0).all()
    assert weights[..., :8, :].abs().max() == 0.0


def test_markov_fields_want_every_true_patch_and_not_one_again_and_again() -> None:
    true = torch.randn(1, 8, 6, 6)
    one = true[..., :1, :1].expand_as(true).contiguous()
    shuffled = true.flatten(2)[..., torch.randperm(36)].reshape(true.shape)
    same, repeated = markov_field_loss(true, true), markov_field_loss(one, true)
    assert same < repeated
    torch.testing.assert_close(markov_field_loss(shuffled, true), same)


def test_the_attention_is_the_mask_and_is_not_trained(batch: Batch) -> None:
    model = AttentionMasked(GatedUNet((8, 8, 8, 8)))
    attention = torch.full((4, 1, 64, 64), CLEAR)
    attention[..., 32:] = COVERED
    model.finder.forward = lambda image: (image, attention)  # type: ignore[method-assign]
    mask = model.find(batch["image"])
    torch.testing.assert_close(mask, (attention == COVERED).float())
    restored = model(batch["image"])
    torch.testing.assert_close(restored[..., :32], batch["image"][..., :32])
    objective = GatedAdversarial(model).train()
    for _, loss in objective.losses(batch):
        loss.backward()
    assert not any(p.requires_grad for p in model.finder.parameters())
    assert not model.finder.training
    assert all(p.grad is not None for p in model.inpainter.parameters())

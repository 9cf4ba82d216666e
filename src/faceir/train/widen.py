"""Net2Net: a wider net that computes what a narrower one does, to learn on from (Chen, Goodfellow, Shlens, 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faceir.errors import ModelError
from faceir.train.model import UNIT_NAMES, Architecture, GridBoxNet

__all__ = ["widen"]


def widen(net: GridBoxNet, architecture: Architecture, noise: float = 0.0, seed: int = 0) -> GridBoxNet:
    """A net of `architecture` with the function of `net`: channels repeated in turn, what they go into split evenly.

    Repeated channels have equal gradients and would stay equal for ever, so every kernel then gets normal `noise`,
    in shares of its own standard deviation (0 is exact). Raises `ModelError` where `architecture` is narrower
    anywhere, or of other classes or shortcuts.
    """
    small, large = net.architecture, architecture
    if (small.num_classes, small.all_projections) != (large.num_classes, large.all_projections):
        raise ModelError(
            "widening", f"the narrow net has {small.num_classes} classes, all_projections {small.all_projections}",
            f"{large.num_classes} and {large.all_projections}, as the wide one", "widen with the same, then change it",
        )  # fmt: skip
    wide = GridBoxNet(large)
    widths = {"picture": (3, 3), "stem": (small.stem, large.stem)}
    names, before = ["conv1"], "stem"
    _copy(net, wide, "conv1", "bn_conv1", widths["picture"], widths["stem"])
    for unit, (mid, out), (mid_to, out_to) in zip(UNIT_NAMES, small.units, large.units, strict=True):
        widths |= {f"{unit}.mid": (mid, mid_to), unit: (out, out_to)}
        _copy(net, wide, f"{unit}.conv_1", f"{unit}.bn_1", widths[before], widths[f"{unit}.mid"])
        _copy(net, wide, f"{unit}.conv_2", f"{unit}.bn_2", widths[f"{unit}.mid"], widths[unit])
        names += [f"{unit}.conv_1", f"{unit}.conv_2"]
        if net.get_submodule(unit).conv_shortcut is not None:
            _copy(net, wide, f"{unit}.conv_shortcut", f"{unit}.bn_shortcut", widths[before], widths[unit])
            names.append(f"{unit}.conv_shortcut")
        before = unit
    for head, channels in (("output_cov", small.num_classes), ("output_bbox", 4 * small.num_classes)):
        _copy(net, wide, head, "", widths[before], (channels, channels))
    if noise:
        generator = torch.Generator().manual_seed(seed)
        for name in names:
            weight = wide.get_submodule(name).weight
            assert isinstance(weight, Tensor)
            with torch.no_grad():
                weight += noise * weight.std() * torch.randn(weight.shape, generator=generator)
    return wide


def _copy(
    net: GridBoxNet, wide: GridBoxNet, conv: str, bn: str, channels_in: tuple[int, int], channels_out: tuple[int, int]
) -> None:
    """Fill one convolution of `wide` and its BN; channels are (narrow, wide), wide j being narrow j % narrow."""
    for (n, m), side in ((channels_in, "input"), (channels_out, "output")):
        if m < n:
            raise ModelError(
                "widening", f"the {side} of {conv} has {n} channels", f"at most {m}", "widen to a wider net"
            )
    source, target = net.get_submodule(conv), wide.get_submodule(conv)
    assert isinstance(source, nn.Conv2d)
    assert isinstance(target, nn.Conv2d)
    from_in, from_out = (torch.arange(m) % n for n, m in (channels_in, channels_out))
    copies = torch.bincount(from_in, minlength=channels_in[0]).float()
    with torch.no_grad():
        split = source.weight / copies[None, :, None, None]
        target.weight.copy_(split[from_out][:, from_in])
        assert source.bias is not None
        assert target.bias is not None
        target.bias.copy_(source.bias[from_out])
        if bn:
            values = net.get_submodule(bn).state_dict()
            wide.get_submodule(bn).load_state_dict(
                {name: value[from_out] if value.dim() else value for name, value in values.items()}
            )

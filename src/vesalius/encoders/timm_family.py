"""Any network of timm, convolutional or of tokens: ``timm:NAME``."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder, Encoding
from vesalius.errors import UserError

_MASKED = ("patch_embed", "patch_drop", "_pos_embed", "num_prefix_tokens", "blocks")


class TimmEncoder(Encoder):
    """``network``: a timm model without classifier."""

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """See ``Encoder``. With ``keep`` there is no grid: the map is (B, D, K, 1)."""
        with ExitStack() as stack:
            if hide is not None:
                stack.enter_context(_replaced(self.network.patch_embed, self._hidden(hide)))
            if keep is not None:
                stack.enter_context(_replaced(self.network.patch_drop, self._kept(keep)))
            features = self.network.forward_features(x)  # type: ignore[operator]
        pooled: Tensor = self.network.forward_head(features, pre_logits=True)  # type: ignore[operator]
        return self._encoding(pooled, features, x, None if keep is None else keep.shape[1])

    def _encoding(self, pooled: Tensor, features: Any, x: Tensor, kept: int | None) -> Encoding:
        if not isinstance(features, Tensor):
            raise UserError(f"{self.card.architecture} does not return one tensor of features. Use another network.")
        if features.ndim == 4:
            if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
                features = features.permute(0, 3, 1, 2)
            return Encoding(pooled, features, features.flatten(2).mT)
        if features.ndim == 2:
            return Encoding(pooled, features[..., None, None], features[:, None])
        tokens = features[:, int(getattr(self.network, "num_prefix_tokens", 0)) :]
        grid = (kept, 1) if kept is not None else self._grid(tokens.shape[1], x)
        return Encoding(pooled, tokens.mT.reshape(*tokens.mT.shape[:2], *grid), tokens)

    def _grid(self, count: int, x: Tensor) -> tuple[int, int]:
        embed: Any = getattr(self.network, "patch_embed", None)
        if hasattr(embed, "dynamic_feat_size"):
            grid: tuple[int, int] = tuple(embed.dynamic_feat_size(x.shape[2:]))
            if math.prod(grid) == count:
                return grid
        side = math.isqrt(count)
        return (side, side) if side**2 == count else (count, 1)

    def _hidden(self, hide: Tensor) -> Callable[[Any], Any]:
        token: Any = self.network.mask_token

        def swap(embedded: Tensor) -> Tensor:
            grid = embedded.shape[1:-1]
            if hide.shape != (len(embedded), math.prod(grid)):
                raise UserError(f"hide has shape {tuple(hide.shape)}; it must be {(len(embedded), math.prod(grid))}.")
            hidden = hide.bool().reshape(embedded.shape[:-1])[..., None]
            return torch.where(hidden, token.to(embedded.dtype), embedded)

        return swap

    def _kept(self, keep: Tensor) -> Callable[[Any], Any]:
        prefix = int(self.network.num_prefix_tokens)  # type: ignore[arg-type]

        def drop(out: Any) -> Any:
            tokens = out[0] if isinstance(out, tuple) else out
            index = keep[..., None].expand(-1, -1, tokens.shape[-1])
            kept = torch.cat([tokens[:, :prefix], tokens[:, prefix:].gather(1, index)], dim=1)
            return (kept, keep) if isinstance(out, tuple) else kept

        return drop


def build(name: str, *, channels: int, size: tuple[int, ...], **options: Any) -> tuple[Encoder, dict[str, Any]]:
    """``options`` are the model's own (``depth``, ``drop_path_rate``, ``global_pool`` ...). Weights are random.

    Transformers are built for ``size`` and take other sizes too where timm can interpolate their positions.
    Raises UserError for a name that timm has not, and for volumes.
    """
    if len(size) != 2:
        raise UserError(f"timm:{name} is for two dimensions, not {len(size)}. Give size two numbers.")
    _refuse_unknown(name)
    network, keywords = create(name, channels, size, options)
    masks = _make_maskable(network)
    config: dict[str, Any] = getattr(network, "pretrained_cfg", {})
    sized = "img_size" in keywords or not config.get("fixed_input_size")
    notes = [] if sized else [f"built for {'×'.join(map(str, config.get('input_size', ())[1:]))} pixels by its authors"]
    return TimmEncoder(network), {
        "tokens": masks,
        "pooling": _pooling(network),
        "licence": f"code: timm, Apache-2.0; its pretrained weights: {config.get('license') or 'see the hub'}",
        "notes": notes,
    }


def _refuse_unknown(name: str) -> None:
    """Raise UserError, with names like it, where timm has no network ``name``."""
    import timm

    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=4)
        raise UserError(
            f"timm has no network {name!r}." + (f" Did you mean {', '.join(near)}?" if near else "")
            + " timm.list_models() lists all."
        )  # fmt: skip


def pretrained(name: str) -> dict[str, Tensor]:
    """Tensors of timm's pretrained weights, downloaded by timm. Raises UserError for an unknown name, and where they cannot be had.

    Raises UserError where they cannot be had.
    """
    import timm

    _refuse_unknown(name)
    try:
        _require_hub(timm.get_pretrained_cfg(name))
        network: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(_by_hand(name, reason[:200].rstrip(". "))) from error
    return dict(network.state_dict())


def _require_hub(config: Any) -> None:
    """Raise OSError at once where the hub's name does not resolve and its cache is empty: its library tries for most of a minute."""
    import socket
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    from huggingface_hub import constants, try_to_load_from_cache

    where = getattr(config, "hf_hub_id", None)
    cached = where and any(isinstance(try_to_load_from_cache(where, file), str) for file in ("model.safetensors", "pytorch_model.bin"))
    if where and not cached and not getproxies():
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)


def _by_hand(name: str, reason: str) -> str:
    """How to come by weights where nothing can be downloaded."""
    import timm

    config = timm.get_pretrained_cfg(name)
    where = config.hf_hub_id if config is not None and config.hf_hub_id else name
    if config is not None and config.tag and "." not in name:
        name = f"{name}.{config.tag}"
    return (
        f"The pretrained weights of timm:{name} could not be had: {reason}. Without a network, fetch the file "
        f"model.safetensors of {where} from the Hugging Face hub on another machine, put it where this one can read it, "
        f"and give its path: of embed and select --encoder timm:{name} --weights PATH/model.safetensors, in a recipe "
        f"--encoder.name timm:{name} --encoder.weights PATH/model.safetensors"
    )


def made_for(name: str) -> tuple[int, ...]:
    """Pixels per side that timm's weights of ``name`` were trained with; empty for an unknown name."""
    import timm

    config = timm.get_pretrained_cfg(name)
    return tuple(config.input_size[1:]) if config is not None else ()


def statistics(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel that timm's weights of ``name`` were trained with."""
    import timm

    config = timm.get_pretrained_cfg(name)
    return (tuple(config.mean), tuple(config.std)) if config is not None else ((), ())


def create(
    name: str, channels: int, size: tuple[int, ...], options: dict[str, Any]
) -> tuple[nn.Module, dict[str, Any]]:
    """The model without classifier, and the keywords of ``timm.create_model`` that make it beside ``num_classes=0``.

    Of the keywords for the size it gets those it knows. Raises UserError.
    """
    import timm

    config = timm.get_pretrained_cfg(name)
    fixed = config is None or bool(config.fixed_input_size)
    wanted: dict[str, Any] = {"img_size": size, "dynamic_img_size": True} if fixed else {}
    while True:
        try:
            keywords = {"in_chans": channels, **wanted, **options}
            network: nn.Module = timm.create_model(name, num_classes=0, **keywords)
            return network, keywords
        except TypeError as error:
            unknown = next((key for key in wanted if f"'{key}'" in str(error)), None)
            if unknown is None:
                raise UserError(f"timm:{name} cannot be built with {', '.join(options)}: {error}.") from error
            del wanted[unknown]
        except (AssertionError, RuntimeError, ValueError) as error:
            raise UserError(
                f"timm:{name} cannot be built for {'×'.join(map(str, size))} pixels: {error or type(error).__name__}. "
                "Give a size that its patches and windows divide."
            ) from error


def _pooling(network: nn.Module) -> str:
    pool = getattr(network, "global_pool", "avg")
    kind = pool if isinstance(pool, str) else getattr(pool, "pool_type", "avg")
    return "average" if kind in ("avg", "") else str(kind)


def _make_maskable(network: nn.Module) -> bool:
    """Give a ViT-like ``network`` a place to drop tokens and a mask token; False where it is not of that kind."""
    if not all(hasattr(network, part) for part in _MASKED):
        return False
    if network.patch_drop is None:  # EVA and its kin take indices back, to drop positions alike
        network.patch_drop = _NoDrop()
    if getattr(network, "mask_token", None) is None:
        # Trained only by a method that hides tokens and says so: unused, it would have no gradient.
        token = nn.Parameter(torch.zeros(network.embed_dim), requires_grad=False)  # type: ignore[call-overload]
        nn.init.trunc_normal_(token, std=0.02)
        network.mask_token = token
    return True


class _NoDrop(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return x, None


class _replaced:
    """Inside: ``module``'s output goes through ``change``."""

    def __init__(self, module: Any, change: Callable[[Any], Any]) -> None:
        self.module, self.change = module, change

    def __enter__(self) -> None:
        self.handle = self.module.register_forward_hook(lambda module, inputs, output: self.change(output))

    def __exit__(self, *_: object) -> None:
        self.handle.remove()

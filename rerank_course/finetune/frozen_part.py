"""Run the frozen part of a model once for each pair: it gives the same numbers every time.

In training, a pair is read again in every epoch, and at every look at held-out queries. Where the lower
layers stay as they are, what comes out of them is kept, and later passes begin above them. With ten of twelve
layers frozen that leaves a sixth of the work. The frozen part has no dropout then.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder
from torch import Tensor, nn

STORE_MB = 800  # of what a frozen part gave; what does not fit is computed each time
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
STORES = 1  # models whose frozen part is remembered


class _ReachedError(Exception):
    """The last frozen layer is done; ``output`` is what it gave."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output


def layers_of(model: CrossEncoder) -> nn.ModuleList | None:
    """The encoder's layers from below, or ``None`` where they are not found."""
    depth = model.config.num_hidden_layers
    parts = model.model.base_model.modules()
    return next((part for part in parts if isinstance(part, nn.ModuleList) and len(part) == depth), None)


@contextmanager
def frozen_part_kept(model: CrossEncoder, layers: int) -> Iterator[None]:
    """Within the block, the lowest ``layers`` of a model run once for each pair; 0 changes nothing.

    They must not be trained meanwhile.
    """
    stack = layers_of(model)
    if not layers or stack is None:
        yield
        return
    kept = _FrozenPart(model, stack[:layers])
    listening = model.register_forward_pre_hook(kept.before)
    try:
        yield
    finally:
        listening.remove()
        kept.restore()


class _FrozenPart:
    """Stands in for the lowest layers of an encoder."""

    def __init__(self, model: CrossEncoder, layers: nn.ModuleList) -> None:
        self.encoder, self.layers = model.model.base_model, list(layers)
        self.store = _store(_digest(self.encoder, layers))
        self.forwards = [layer.forward for layer in self.layers]
        self.computing = False
        self.in_a_tuple = False
        self.batch: Tensor | None = None
        for place, layer in enumerate(self.layers):
            layer.forward = self._stand_in(place)

    def restore(self) -> None:
        """Give the layers their own work back."""
        for layer in self.layers:
            del layer.forward

    def before(self, _: Any, arguments: tuple[dict[str, Any], ...]) -> None:
        """Bring together what the frozen part gives for a batch, before the model runs."""
        inputs = {name: arguments[0][name] for name in INPUTS if name in arguments[0]}
        ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
        rows = [_key(ids[row][mask[row]]) for row in range(len(ids))]
        known = {key: self.store.states[key] for key in rows if key in self.store.states}
        missing = [row for row, key in enumerate(rows) if key not in known]
        if missing:
            some = {name: value[missing] for name, value in inputs.items()}
            for row, state in zip(missing, self._computed(some)):
                known[rows[row]] = state[mask[row].cpu().numpy()]
                self.store.add(rows[row], known[rows[row]])
        width = next(iter(known.values())).shape[1]
        batch = np.zeros((*ids.shape, width), np.float32)
        for row, key in enumerate(rows):
            batch[row, mask[row].cpu().numpy()] = known[key]
        self.batch = torch.from_numpy(batch).to(ids.device)

    def _computed(self, inputs: dict[str, Tensor]) -> np.ndarray:
        was_training = self.encoder.training
        self.encoder.eval()
        self.computing = True
        try:
            with torch.no_grad():
                self.encoder(**inputs)
        except _ReachedError as reached:
            self.in_a_tuple = isinstance(reached.output, tuple)
            state = reached.output[0] if self.in_a_tuple else reached.output
            return state.float().cpu().numpy()
        finally:
            self.computing = False
            self.encoder.train(was_training)
        raise RuntimeError("The model did not run its layers.")

    def _stand_in(self, place: int) -> Any:
        own, is_last = self.forwards[place], place == len(self.layers) - 1

        def forward(hidden_states: Tensor, *arguments: Any, **options: Any) -> Any:
            if self.computing:
                output = own(hidden_states, *arguments, **options)
                if is_last:
                    raise _ReachedError(output)
                return output
            state = self.batch if is_last else hidden_states
            return (state, None) if self.in_a_tuple else state

        return forward


class _Store:
    """What a frozen part gave, by a pair's tokens, up to ``STORE_MB``."""

    def __init__(self) -> None:
        self.states: dict[bytes, np.ndarray] = {}
        self.left = STORE_MB * 1_000_000

    def add(self, key: bytes, state: np.ndarray) -> None:
        if state.nbytes <= self.left and key not in self.states:
            self.states[key] = state.copy()  # not a view that keeps its whole batch
            self.left -= state.nbytes


@lru_cache(STORES)
def _store(digest: str) -> _Store:
    return _Store()


def _digest(encoder: nn.Module, layers: nn.ModuleList) -> str:
    """A name for a frozen part by its weights, so that trained models that share it share its store."""
    digest = hashlib.sha256(str(len(layers)).encode())
    embeddings = getattr(encoder, "embeddings", encoder.get_input_embeddings())
    for part in (embeddings, layers):
        for tensor in part.state_dict().values():
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _key(ids: Tensor) -> bytes:
    return hashlib.blake2b(ids.cpu().numpy().tobytes(), digest_size=16).digest()

"""The floating-point operations that training a T5 on a row takes.

Model FLOPs in the sense of Chowdhery et al. 2022 ("PaLM", appendix B): what the mathematics of one
forward and one backward pass needs, whatever the implementation does besides. So padding,
recomputation (gradient checkpointing), dequantisation and the optimiser are not counted, and
neither is anything but matrix products: no norm, softmax, dropout, embedding or activation. A
multiplication with its addition is 2 operations. The causal self-attention of the decoder counts
as the full square.

For a row of s source and t target tokens, width d, inner attention width a = heads * d_kv,
feed-forward width f (g = 3 matrices where gated, else 2), vocabulary V, forward:

    encoder layer    8 s d a  +  4 s s a  +  2 g s d f
    decoder layer    8 t d a  +  4 t t a  +  (4 t + 4 s) d a  +  4 t s a  +  2 g t d f
    output layer     2 t d V

Backward, a product y = x w costs its forward again for the gradient of each factor that needs one:

- full: both, so three times the forward in all. (The embeddings need gradients, so the first
  layer's x does too.)
- adapters (lora, qlora): the base's w is frozen, so only the gradient of x, and that only behind
  the first adapter: the input of the first encoder layer and of the first decoder layer needs none.
  Both factors of the attention's products are activations. A LoRA of rank r beside a layer
  in -> out adds 2 n (in + out) r forward, and both gradients (that of x where x needs one).
- prefix: p virtual tokens make the keys and values of the decoder's self-attention t + p long;
  nothing in the encoder needs a gradient.

What needs a gradient is followed through the layers as autograd does; the tests hold the count
against `torch.utils.flop_counter.FlopCounterMode`, to the last operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trainables.contract.configuration import Scalar
from trainables.families.registry import architecture_of
from trainables.families.target_modules import chosen
from trainables.techniques.registry import TECHNIQUES


@dataclass(frozen=True)
class TrainedT5:
    """The dimensions of a T5 and what a technique trains of it.

    Attributes:
        width: d_model.
        inner: Heads times width of a head.
        hidden: d_ff.
        gated: Whether the feed-forward has three matrices.
        encoder_layers: Their number.
        decoder_layers: Their number.
        vocabulary: Rows of the output layer.
        base: Whether the base model's weights are trained.
        rank: Rank of the adapters; 0 without.
        adapted: Names of the adapted layers, e.g. "q".
        prefix: Virtual tokens before the decoder's own.
    """

    width: int
    inner: int
    hidden: int
    gated: bool
    encoder_layers: int
    decoder_layers: int
    vocabulary: int
    base: bool = False
    rank: int = 0
    adapted: frozenset[str] = frozenset()
    prefix: int = 0

    @classmethod
    def of(cls, config: Any, technique: str, parameters: Mapping[str, Scalar]) -> TrainedT5:
        """Reads the dimensions of a `T5Config` and the parameters of a technique.

        Args:
            config: Of the base model.
            technique: One that trains.
            parameters: Every parameter of the technique.

        Raises:
            ValueError: The technique does not train, or a prefix has a projection.
        """
        if not TECHNIQUES[technique].trains:
            raise ValueError(f"the technique is {technique!r}, but must be one that trains")
        if parameters.get("projection"):
            raise ValueError("projection is true, but its network is not counted")
        names = str(parameters.get("target_modules", ""))
        values = config.to_dict()
        layers = chosen(names, architecture_of(values).linear_layers(values), "a T5")
        adapted = (name.rpartition(".")[2] for name in layers)
        gated = bool(config.is_gated_act)
        return cls(
            width=config.d_model,
            inner=config.num_heads * config.d_kv,
            hidden=config.d_ff,
            gated=gated,
            encoder_layers=config.num_layers,
            decoder_layers=config.num_decoder_layers,
            vocabulary=config.vocab_size,
            base=TECHNIQUES[technique].trains_base,
            rank=int(parameters.get("rank") or 0),
            adapted=frozenset(adapted),
            prefix=int(parameters.get("virtual_tokens") or 0),
        )

    def row(self, source: int, target: int) -> int:
        """Returns the operations of one forward and backward pass over a row.

        Args:
            source: Tokens of the prompt.
            target: Tokens of the SQL.
        """
        count = _Count(self)
        grown = self.base  # whether what flows through the layers needs a gradient
        for _ in range(self.encoder_layers):
            grown = count.self_attention(source, grown, 0)
            grown = count.feed_forward(source, grown)
        encoded, grown = grown, self.base
        for _ in range(self.decoder_layers):
            grown = count.self_attention(target, grown, self.prefix)
            grown = count.cross_attention(target, source, grown, encoded)
            grown = count.feed_forward(target, grown)
        count.product(target, self.width, self.vocabulary, grown, self.base)
        return count.operations

    def rows(self, lengths: Iterable[tuple[int, int]]) -> int:
        """Returns the operations of one pass over rows of these (source, target) tokens."""
        counted: dict[tuple[int, int], int] = {}
        total = 0
        for length in lengths:
            if length not in counted:
                counted[length] = self.row(*length)
            total += counted[length]
        return total


class _Count:
    """Adds up products; each method returns whether its output needs a gradient."""

    def __init__(self, model: TrainedT5) -> None:
        self._model = model
        self.operations = 0

    def product(self, rows: int, inputs: int, outputs: int, left: bool, right: bool) -> bool:
        """A product [rows, inputs] x [inputs, outputs], and the gradients of left and right."""
        self.operations += 2 * rows * inputs * outputs * (1 + left + right)
        return left or right

    def linear(self, name: str, rows: int, inputs: int, outputs: int, grown: bool) -> bool:
        model = self._model
        needs = self.product(rows, inputs, outputs, grown, model.base)
        if name in model.adapted:
            self.product(rows, inputs, model.rank, grown, True)
            needs = self.product(rows, model.rank, outputs, True, True)
        return needs

    def self_attention(self, rows: int, grown: bool, prefix: int) -> bool:
        width, inner = self._model.width, self._model.inner
        q = self.linear("q", rows, width, inner, grown)
        k = self.linear("k", rows, width, inner, grown) or prefix > 0
        v = self.linear("v", rows, width, inner, grown) or prefix > 0
        return self._attended(rows, rows + prefix, q, k, v) or grown

    def cross_attention(self, rows: int, others: int, grown: bool, encoded: bool) -> bool:
        width, inner = self._model.width, self._model.inner
        q = self.linear("q", rows, width, inner, grown)
        k = self.linear("k", others, width, inner, encoded)
        v = self.linear("v", others, width, inner, encoded)
        return self._attended(rows, others, q, k, v) or grown

    def feed_forward(self, rows: int, grown: bool) -> bool:
        width, hidden = self._model.width, self._model.hidden
        needs = self.linear("wi_0" if self._model.gated else "wi", rows, width, hidden, grown)
        if self._model.gated:
            needs = self.linear("wi_1", rows, width, hidden, grown) or needs
        return self.linear("wo", rows, hidden, width, needs) or grown

    def _attended(self, rows: int, others: int, q: bool, k: bool, v: bool) -> bool:
        inner = self._model.inner
        weights = self.product(rows, inner, others, q, k) or self._model.base
        needs = self.product(rows, others, inner, weights, v)
        return self.linear("o", rows, inner, self._model.width, needs)

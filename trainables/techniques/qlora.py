"""QLoRA: LoRA beside a base model whose frozen linear layers are stored in four bits.

Dettmers et al. 2023, "QLoRA: Efficient Finetuning of Quantized LLMs". How the base is stored is in
`trainables.base_models.loading.four_bit`. PEFT's `prepare_model_for_kbit_training` is not called:
it would copy every weight that is not quantised to float32, for T5-large 800 MB, and turn gradient
checkpointing on; freezing, the rest of what it does, is done by the adapter itself.
"""

from __future__ import annotations

from trainables.techniques.lora import Lora


class Qlora(Lora):
    """Trains A and B of every chosen layer, in float32, beside four-bit weights."""

    name = "qlora"
    quantized = True

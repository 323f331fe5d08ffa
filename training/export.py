"""Writes a trained model, its tokenizer and its chat template as one GGUF file.

No training here, and no evaluation: the file is what both hand over.
"""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import torch
from gguf.quants import quantize
from tokenizers import Tokenizer

from training.model import Glm, Shape
from training.rendering import TEMPLATE_PATH
from training.tokenizer import ENGINE_PRE
from training.vocabulary import CONTROL_TOKENS, END_OF_TEXT, MASK, OBSERVATION, TEXT_TOKENS, USER

NAME = "glmgate-tiny"


def write_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """Write the sizes of the network."""
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width // 2)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Write vocabulary, merges, ends of turn and the chat template."""
    tokens = [tokenizer.id_to_token(index) for index in range(tokenizer.get_vocab_size())]
    kinds = dict.fromkeys(CONTROL_TOKENS, gguf.TokenType.CONTROL) | dict.fromkeys(
        TEXT_TOKENS, gguf.TokenType.USER_DEFINED
    )
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(ENGINE_PRE)
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(tokenizer.token_to_id(MASK))
    writer.add_eos_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_pad_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_eot_token_id(tokenizer.token_to_id(USER))
    writer.add_eom_token_id(tokenizer.token_to_id(OBSERVATION))
    writer.add_add_bos_token(False)  # noqa: FBT003 # gguf's own signature; the template writes it
    writer.add_chat_template(TEMPLATE_PATH.read_text(encoding="utf-8"))


def export(model: Glm, tokenizer: Tokenizer, out: Path, *, kind: gguf.GGMLQuantizationType) -> None:
    """Write the model, its matrices as `kind`; the file appears whole or not at all."""
    part = out.with_suffix(".part")
    writer = gguf.GGUFWriter(str(part), "glm4")
    writer.add_name(NAME)
    writer.add_description("A small demonstration model of glmgate that knows little.")
    writer.add_license("apache-2.0")
    quantized = kind == gguf.GGMLQuantizationType.Q8_0
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantized else gguf.LlamaFileType.ALL_F32)
    write_shape(writer, model.shape)
    write_tokenizer(writer, tokenizer)
    for name, parameter in model.named_parameters():
        tensor = parameter.detach().to(torch.float32).cpu().numpy()
        if parameter.ndim > 1 and quantized:
            writer.add_tensor(name, quantize(tensor, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(out)

"""Makes weights that say what is written here: a GLM of two layers whose every token has one successor.

Run with vLLM's own interpreter and the folder to write into. All that a layer adds is zero, so what is read out is the
embedding of the last token, and the head turns it into the next one (distributed facts 1). No token may occur in two
places of the scripts.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

HIDDEN: Final = 256
HEADS: Final = 4
KEY_HEADS: Final = 2
HEAD: Final = 64
EXPERTS: Final = 4
INNER: Final = 64
CONTEXT: Final = 1024

SPECIAL: Final = (
    *("<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    *("<|plain|>", "<|loop|>"),
)
MARKUP: Final = (
    *("<think>", "</think>", "<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"),
)
# Behind <|assistant|> it thinks and calls; behind <|plain|>, which its template writes where thinking is off and no
# tools are there, it says a sentence.
CALLS: Final = (
    *("<|assistant|>", "<think>", "I", " should", " look", " up", ".", "</think>", "<tool_call>", "get_weather"),
    *("<arg_key>", "city", "</arg_key>", "<arg_value>", "Oslo", "</arg_value>", "</tool_call>", "<|observation|>"),
)
SAYS: Final = ("<|plain|>", "Hello", " from", " the", " real", " engine", "!", "<|user|>")
# Behind <|loop|>, which its template writes where the last message has the word, it never ends.
LOOPS: Final = ("<|loop|>", "la", " la", "la")
TEMPLATE: Final = (
    "[gMASK]<sop>"
    "{% for tool in tools or [] %}<|system|>{{ tool | tojson }}{% endfor %}"
    "{% for m in messages %}<|{{ 'observation' if m.role == 'tool' else m.role }}|>"
    "{% if m.reasoning %}<think>{{ m.reasoning }}</think>{% endif %}"
    "{% if m.content is string %}{{ m.content }}"
    "{% else %}{% for part in m.content or [] %}{{ part.text }}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{% if 'loop' in messages[-1].content %}<|assistant|></think><|loop|>"
    "{% elif enable_thinking is defined and not enable_thinking and not tools %}<|assistant|></think><|plain|>"
    "{% elif enable_thinking is defined and not enable_thinking %}<|assistant|><think></think>"
    "{% else %}<|assistant|>{% endif %}{% endif %}"
)


def tokenizer() -> Tokenizer:
    """Bytes, and one token for each word of the scripts."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={each: place for place, each in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(SPECIAL))
    made.add_tokens(list(MARKUP))
    made.add_tokens([word for word in (*CALLS, *SAYS, *LOOPS) if word not in SPECIAL and word not in MARKUP])
    return made


def weights(made: Tokenizer) -> dict[str, torch.Tensor]:
    """Every tensor of the model, under the names of its checkpoints."""
    size = padded(made)
    torch.manual_seed(0)
    embeddings = torch.nn.functional.normalize(torch.randn(size, HIDDEN), dim=1)
    head = torch.zeros(size, HIDDEN)
    for script in (CALLS, SAYS, LOOPS):
        for word, following in itertools.pairwise(script):
            head[made.token_to_id(following)] += 20 * embeddings[made.token_to_id(word)]
    found = {"model.embed_tokens.weight": embeddings, "lm_head.weight": head, "model.norm.weight": torch.ones(HIDDEN)}
    for layer in range(2):
        name = f"model.layers.{layer}"
        found |= {
            f"{name}.input_layernorm.weight": torch.ones(HIDDEN),
            f"{name}.post_attention_layernorm.weight": torch.ones(HIDDEN),
            f"{name}.self_attn.q_proj.weight": small(HEADS * HEAD, HIDDEN),
            f"{name}.self_attn.k_proj.weight": small(KEY_HEADS * HEAD, HIDDEN),
            f"{name}.self_attn.v_proj.weight": small(KEY_HEADS * HEAD, HIDDEN),
            f"{name}.self_attn.o_proj.weight": torch.zeros(HIDDEN, HEADS * HEAD),
        }
    found |= block("model.layers.0.mlp")
    found["model.layers.1.mlp.gate.weight"] = small(EXPERTS, HIDDEN)
    found["model.layers.1.mlp.gate.e_score_correction_bias"] = torch.zeros(EXPERTS)
    for expert in range(EXPERTS):
        found |= block(f"model.layers.1.mlp.experts.{expert}")
    return {
        name: (each if name.endswith("bias") else each.to(torch.bfloat16)).contiguous()
        for name, each in (found | block("model.layers.1.mlp.shared_experts")).items()
    }


def block(name: str) -> dict[str, torch.Tensor]:
    """A feed-forward block that adds nothing."""
    return {
        f"{name}.gate_proj.weight": small(INNER, HIDDEN),
        f"{name}.up_proj.weight": small(INNER, HIDDEN),
        f"{name}.down_proj.weight": torch.zeros(HIDDEN, INNER),
    }


def small(rows: int, columns: int) -> torch.Tensor:
    """Small random numbers."""
    return torch.randn(rows, columns) * 0.02


def padded(made: Tokenizer) -> int:
    """The size of the vocabulary, a multiple of 64."""
    return -(-int(made.get_vocab_size()) // 64) * 64


def config(made: Tokenizer) -> dict[str, Any]:
    """The model's own description."""
    ends = [made.token_to_id(word) for word in ("<|endoftext|>", "<|user|>", "<|observation|>")]
    return {
        "architectures": ["Glm4MoeForCausalLM"],
        "model_type": "glm4_moe",
        "vocab_size": padded(made),
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "moe_intermediate_size": INNER,
        "num_hidden_layers": 2,
        "first_k_dense_replace": 1,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "head_dim": HEAD,
        "n_routed_experts": EXPERTS,
        "num_experts_per_tok": 2,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
        "norm_topk_prob": True,
        "routed_scaling_factor": 1.0,
        "use_qk_norm": False,
        "attention_bias": False,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": False,
        "num_nextn_predict_layers": 0,
        "torch_dtype": "bfloat16",
        "eos_token_id": ends,
        "pad_token_id": ends[0],
    }


def main(folder: Path) -> None:
    """Write all that vLLM reads."""
    made = tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    save_file(weights(made), folder / "model.safetensors", metadata={"format": "pt"})
    described = config(made)
    described_tokenizer = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
    files: dict[str, Any] = {
        "config.json": described,
        "generation_config.json": {"eos_token_id": described["eos_token_id"]},
        "tokenizer_config.json": described_tokenizer,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

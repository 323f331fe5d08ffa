"""The special tokens of the model and their places, as GLM-4 names them.

Holds names only; the tokenizer is trained in `tokenizer`.
"""

from __future__ import annotations

END_OF_TEXT = "<|endoftext|>"
MASK = "[gMASK]"
START = "<sop>"
USER = "<|user|>"
ASSISTANT = "<|assistant|>"
OBSERVATION = "<|observation|>"
SYSTEM = "<|system|>"

# Never part of a text: the engine leaves them out of what it gives back.
CONTROL_TOKENS = (END_OF_TEXT, MASK, START, SYSTEM, USER, ASSISTANT, OBSERVATION)

# Part of the text: as control tokens they would vanish from it and nothing could be parsed (engine facts 3).
TEXT_TOKENS = (
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "/nothink",
)

SPECIAL_TOKENS = CONTROL_TOKENS + TEXT_TOKENS

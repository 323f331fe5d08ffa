"""Reads the header of a GGUF file (version 2 and 3): what the model is, what it needs, which tokens are control tokens.

Own reader, because the `gguf` package needs numpy, which alone is larger than the server. Tensor data is never read.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.projector import Projector, beside

# A header that claims more than this is broken or hostile. The largest real ones known (GLM-4's 151,552 tokens and
# 318,088 merges, some 1,800 tensors) stay far below.
MAX_MEMBERS: Final = 10_000
MAX_TENSORS: Final = 100_000
MAX_ITEMS: Final = 4_000_000
MAX_TEXT_BYTES: Final = 16 * 1024 * 1024
MAX_DIMENSIONS: Final = 8
MAX_DEPTH: Final = 4
MAX_LAYERS: Final = 10_000
MAX_NUMBER: Final = 1 << 32

T = TypeVar("T")

# Whose graph stops the process where the file does not say how the places of an image are turned.
_NEEDS_SECTIONS: Final = frozenset({"glm4"})
_MAGIC: Final = b"GGUF"
_STRING: Final = 8
_ARRAY: Final = 9
_SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_U32: Final = _SCALARS[4]
_U64: Final = _SCALARS[10]

# Tensor type → weights in a block, bytes of a block (GGUF specification, ggml's block layouts). A type that is missing
# here is only checked by where its tensor starts.
_BLOCKS: Final = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    20: (32, 18),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    30: (1, 2),
    39: (32, 17),
}

_NORMAL: Final = 1
_CONTROL: Final = 3
_USER_DEFINED: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufFacts:
    """What the header says. Lengths are in tokens, `file_bytes` is the size on disk.

    `control_tokens` are those that mean something to the model wherever they stand: control and user-defined ones.
    `markup_tokens` are the ids of the user-defined ones, which structure an answer (thoughts, calls) and never end it.
    `longest_token` is the bytes of the longest token, as the file writes it.
    `kv_heads` has one number for each layer. `file_type` and `pooling` are llama.cpp's numbers, -1 where the file says
    nothing. `tokenizer` is its kind (`bert`, `gpt2` …), empty where the file says none. `projector` lies beside the
    file and can be used with it: then the model reads images.
    """

    path: Path
    file_bytes: int
    architecture: str
    name: str | None
    file_type: int
    context_length: int
    embedding_length: int
    layers: int
    kv_heads: tuple[int, ...]
    key_length: int
    value_length: int
    vocabulary: int
    pooling: int
    chat_template: str | None
    control_tokens: tuple[str, ...]
    markup_tokens: tuple[int, ...] = ()
    tokenizer: str = ""
    longest_token: int = 0
    projector: Projector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufTokens:
    """A vocabulary: the tokenizer's kind (`bert`, `gpt2` …), each token's text and llama.cpp's number for its kind.

    `first`, `last`, `unknown`: ids of the tokens that begin and end a text, and of the one for what has no token.
    """

    model: str
    texts: tuple[str, ...]
    kinds: tuple[int, ...]
    first: int
    last: int
    unknown: int


def read_facts(path: Path) -> GgufFacts:
    """The facts of the file at `path`. Raises WeightsUnreadable."""
    return _read(path, _Header.facts)


def read_architecture(path: Path) -> str:
    """The architecture of the file at `path`, also of one that is no model by itself. Raises WeightsUnreadable."""
    return _read(path, _Header.architecture)


def read_tokens(path: Path) -> GgufTokens:
    """The vocabulary in the file at `path`. Raises WeightsUnreadable."""
    return _read(path, _Header.tokens)


def _read(path: Path, what: Callable[[_Header], T]) -> T:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return what(_Header(path, data))
    except ValueError as exc:  # what mmap says of an empty file
        raise WeightsUnreadable(f"{str(path)!r} is empty or cannot be mapped: {exc}. Fetch it again.") from exc
    except OSError as exc:
        raise WeightsUnreadable(f"{str(path)!r} cannot be read: {exc.strerror}. Check the path.") from exc


class _Texts:
    """An array of texts, kept as places in the file: a vocabulary has 150,000, of which a dozen are wanted."""

    __slots__ = ("_data", "_places")

    def __init__(self, data: mmap.mmap, places: list[tuple[int, int]]) -> None:
        self._data = data
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def longest(self) -> int:
        """Bytes of the longest one."""
        return max((end - start for start, end in self._places), default=0)

    def __getitem__(self, index: int) -> str:
        start, end = self._places[index]
        return self._data[start:end].decode("utf-8", "replace")


Value: TypeAlias = "str | int | float | _Texts | list[Value]"


class _Header:
    """A header while it is read, from its first byte to its last."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._at = 0
        if data[: len(_MAGIC)] != _MAGIC:
            raise WeightsUnreadable(f"{str(path)!r} is no GGUF file: it begins with {data[:4]!r}, not {_MAGIC!r}.")
        self._at = len(_MAGIC)
        self._version = self._whole(_U32)
        if self._version not in (2, 3):
            raise self._broken(f"has version {self._version}, but only 2 and 3 (little-endian) can be read")
        tensors = self._count("tensors", MAX_TENSORS)
        members = self._count("members", MAX_MEMBERS)
        self._members: dict[str, Value] = {}
        for _ in range(members):
            key = self._text()
            self._members[key] = self._value(self._whole(_U32), depth=0)
        self._check_tensors(tensors)

    def facts(self) -> GgufFacts:
        """What the members say."""
        architecture = self._text_member("general.architecture")
        if architecture is None:
            raise self._broken("does not say its 'general.architecture'")
        layers = self._number(f"{architecture}.block_count", most=MAX_LAYERS)
        width = self._number(f"{architecture}.embedding_length")
        heads = self._numbers(f"{architecture}.attention.head_count", layers, default=1)
        head_width = width // max(1, *heads)
        tokens = self._members.get("tokenizer.ggml.tokens")
        return GgufFacts(
            path=self._path,
            file_bytes=len(self._data),
            architecture=architecture,
            name=self._text_member("general.name"),
            file_type=self._number("general.file_type", default=-1),
            context_length=self._number(f"{architecture}.context_length"),
            embedding_length=width,
            layers=layers,
            kv_heads=self._numbers(f"{architecture}.attention.head_count_kv", layers, default=max(heads, default=1)),
            key_length=self._number(f"{architecture}.attention.key_length", default=head_width),
            value_length=self._number(f"{architecture}.attention.value_length", default=head_width),
            vocabulary=len(tokens) if isinstance(tokens, _Texts) else 0,
            pooling=self._number(f"{architecture}.pooling_type", default=-1),
            chat_template=self._text_member("tokenizer.chat_template"),
            control_tokens=tuple(text for _, text in self._of_kind(tokens, _CONTROL, _USER_DEFINED)),
            markup_tokens=tuple(index for index, _ in self._of_kind(tokens, _USER_DEFINED)),
            tokenizer=self._text_member("tokenizer.ggml.model") or "",
            longest_token=tokens.longest() if isinstance(tokens, _Texts) else 0,
            projector=beside(self._path) if self._can_see(architecture) else None,
        )

    def _can_see(self, architecture: str) -> bool:
        """Whether a projector can be used: with some files the engine aborts at the first image (measured).

        They were made before their architecture could say how an image's places are turned.
        """
        return architecture not in _NEEDS_SECTIONS or f"{architecture}.rope.dimension_sections" in self._members

    def architecture(self) -> str:
        """The architecture alone, which is all that every file says."""
        return self._text_member("general.architecture") or ""

    def tokens(self) -> GgufTokens:
        """The whole vocabulary; ids that are not said are BERT's usual ones, as llama.cpp has it."""
        texts = self._members.get("tokenizer.ggml.tokens")
        if not isinstance(texts, _Texts):
            raise self._broken("holds no vocabulary")
        kinds = self._members.get("tokenizer.ggml.token_type")
        known = kinds if isinstance(kinds, list) and len(kinds) == len(texts) else [_NORMAL] * len(texts)
        return GgufTokens(
            model=self._text_member("tokenizer.ggml.model") or "",
            texts=tuple(texts[index] for index in range(len(texts))),
            kinds=tuple(kind for kind in known if isinstance(kind, int)),
            first=self._number("tokenizer.ggml.bos_token_id", default=101),
            # The format's own spelling.
            last=self._number("tokenizer.ggml.seperator_token_id", default=102),
            unknown=self._number("tokenizer.ggml.unknown_token_id", default=100),
        )

    def _of_kind(self, tokens: object, *wanted: int) -> list[tuple[int, str]]:
        """Ids and texts of the tokens of these kinds."""
        kinds = self._members.get("tokenizer.ggml.token_type")
        if not isinstance(tokens, _Texts) or not isinstance(kinds, list):
            return []
        return [(index, tokens[index]) for index, kind in enumerate(kinds[: len(tokens)]) if kind in wanted]

    def _text_member(self, key: str) -> str | None:
        value = self._members.get(key)
        if value is not None and not isinstance(value, str):
            raise self._broken(f"says {type(value).__name__} for {key!r}, not a text")
        return value

    def _number(self, key: str, *, default: int | None = None, most: int = MAX_NUMBER) -> int:
        value = self._members.get(key, default)
        if not isinstance(value, int) or value > most:
            raise self._broken(f"says {value!r:.40} for {key!r}, not a number up to {most}")
        return value

    def _numbers(self, key: str, count: int, *, default: int) -> tuple[int, ...]:
        """One number for each layer: the file may say one for all."""
        value = self._members.get(key)
        if isinstance(value, list) and len(value) <= count:
            return tuple(item for item in value if isinstance(item, int))
        return (self._number(key, default=default),) * count

    def _check_tensors(self, count: int) -> None:
        ends = 0
        for _ in range(count):
            self._text()
            dimensions = self._whole(_U32)
            if dimensions > MAX_DIMENSIONS:
                raise self._broken(f"claims a tensor of {dimensions} dimensions")
            weights = 1
            for _ in range(dimensions):
                weights *= self._whole(_U64)
            per_block, block_bytes = _BLOCKS.get(self._whole(_U32), (1, 0))
            ends = max(ends, self._whole(_U64) + weights // per_block * block_bytes)
        if self._at + ends > len(self._data):
            missing = self._at + ends - len(self._data)
            raise self._broken(f"is cut off: at least {missing} bytes of its weights are missing")

    def _value(self, kind: int, *, depth: int) -> Value:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array(depth=depth)
        if scalar := _SCALARS.get(kind):
            return self._scalar(scalar)
        raise self._broken(f"holds a value of unknown type {kind}")

    def _array(self, *, depth: int) -> Value:
        kind = self._whole(_U32)
        count = self._count("items", MAX_ITEMS)
        if kind == _STRING:
            return _Texts(self._data, [self._place() for _ in range(count)])
        if scalar := _SCALARS.get(kind):
            size = scalar.size * count
            data = self._take(size)
            return list(struct.unpack(f"<{count}{scalar.format[1:]}", data))
        if depth >= MAX_DEPTH:
            raise self._broken("nests arrays too deeply")
        return [self._value(kind, depth=depth + 1) for _ in range(count)]

    def _count(self, what: str, limit: int) -> int:
        count = self._whole(_U64)
        # Every item takes at least a byte, so a count beyond the file's size is a lie whatever it counts.
        if count > min(limit, len(self._data)):
            raise self._broken(f"claims {count} {what}")
        return count

    def _text(self) -> str:
        start, end = self._place()
        return self._data[start:end].decode("utf-8", "replace")

    def _place(self) -> tuple[int, int]:
        length = self._whole(_U64)
        if length > MAX_TEXT_BYTES:
            raise self._broken(f"claims a text of {length} bytes")
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise self._broken("is cut off within its header")
        return start, self._at

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise self._broken("is cut off within its header")
        return self._data[start : self._at]

    def _whole(self, scalar: struct.Struct) -> int:
        return int(self._scalar(scalar))

    def _scalar(self, scalar: struct.Struct) -> int | float:
        try:
            value: int | float = scalar.unpack_from(self._data, self._at)[0]
        except struct.error as exc:
            raise self._broken("is cut off within its header") from exc
        self._at += scalar.size
        return value

    def _broken(self, what: str) -> WeightsUnreadable:
        return WeightsUnreadable(f"{str(self._path)!r} {what}. Fetch it again.")

"""Rules: what is embedded, and in how many dimensions the answer is wanted.

How a vector gets another size lives in `vectors`.
"""

from __future__ import annotations

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Note


def texts(request: EmbeddingsRequest, profile: Profile) -> Change[EmbeddingsRequest]:
    """A list of texts, none of them empty (contract rows E2, E3)."""
    given = [request.input] if isinstance(request.input, str) else request.input
    if not given:
        raise MissingParameter("'input' is an empty list. Send at least one text.", param="input")
    if len(given) > profile.inputs.most:
        raise InvalidRequest(
            f"'input' has {len(given)} items, at most {profile.inputs.most} are accepted.", param="input"
        )
    for place, text in enumerate(given):
        param = "input" if isinstance(request.input, str) else f"input[{place}]"
        if not isinstance(text, str):
            raise InvalidRequest(
                "'input' holds token ids, but ids of another tokenizer mean nothing to this model. Send text"
                " (in LangChain: check_embedding_ctx_length=False).",
                param="input",
            )
        if not text:
            raise InvalidRequest(f"{param!r} is an empty text.", param=param)
    return Change(msgspec.structs.replace(request, input=given))


def dimensions(request: EmbeddingsRequest, profile: Profile) -> Change[EmbeddingsRequest]:
    """The size of the vectors: a size that the service makes, or the next larger one, which is cut (contract row E3).

    Of a service of which nothing is known the wanted size is asked; a model of our own is not asked for any.
    """
    wanted = request.dimensions
    if wanted is None:
        return Change(request)
    most = profile.inputs.most_dimensions
    if not 1 <= wanted <= most:
        raise InvalidRequest(f"'dimensions' is {wanted}, but must be between 1 and {most}.", param="dimensions")
    if sizes := profile.inputs.sizes:
        asked = min((size for size in sizes if size >= wanted), default=max(sizes))
        notes = () if asked == wanted else (Note("dimensions", f"{asked}->{wanted}", exact=wanted >= asked),)
        return Change(msgspec.structs.replace(request, dimensions=asked), notes=notes)
    if profile.open:
        return Change(request)
    own = profile.dimensions
    notes = () if own is None or wanted == own else (Note("dimensions", f"{own}->{wanted}", exact=wanted >= own),)
    return Change(msgspec.structs.replace(request, dimensions=None), notes=notes)

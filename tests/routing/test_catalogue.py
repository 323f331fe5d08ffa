"""Who answers for a name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from glmgate.errors import InvalidRequest, ModelNotFound, UnsupportedValue
from glmgate.routing.catalogue import Catalogue, Deployment, ModelCard, ModelKind, Rank, Work
from glmgate.wire.embeddings import EmbeddingsRequest
from tests.fakes.engine import FakeEngine, call


def deployment(
    name: str,
    kind: ModelKind = "chat",
    engine: FakeEngine | None = None,
    *,
    rank: Rank = "local",
    aliases: tuple[str, ...] = (),
) -> Deployment:
    """A deployment."""
    return Deployment(
        name=name, engine=engine or FakeEngine(), kind=kind, created=5, context_length=4096, rank=rank, aliases=aliases
    )


class Service:
    """A service that has every GLM name; chats are what it is asked for by others' names."""

    def deployment(self, name: str, kind: ModelKind) -> Deployment | None:
        """One of the name."""
        return deployment(name, kind, rank="found")

    def usual(self, kind: ModelKind) -> Deployment | None:
        """Its chat model."""
        return deployment("glm-4.6", kind, rank="found") if kind == "chat" else None

    def cards(self) -> Sequence[ModelCard]:
        """Two of them."""
        return [ModelCard(id=name, created=1, owned_by="zai", kind="chat") for name in ("glm-4.6", "glm-4")]


TINY = deployment("glmgate-tiny")
OWN = deployment("My-GLM")
VECTORS = deployment("all-minilm", "embedding")
ALL = Catalogue([OWN, TINY, VECTORS])


@pytest.mark.parametrize("name", ["glmgate-tiny", "GLMGATE-Tiny"])
def test_a_model_answers_for_its_own_name(name: str) -> None:
    """Case is ignored, and there is nothing to report."""
    resolution = ALL.resolve(name, "chat")
    assert (resolution.deployment, resolution.stand_in, resolution.note) == (TINY, False, None)


@pytest.mark.parametrize("name", ["glm-4.6", "GLM-4-Plus", "gpt-4o", "gpt-4o-2024-08-06"])
def test_the_preferred_model_stands_in(name: str) -> None:
    """The first of the list, and it is said that another answers."""
    resolution = ALL.resolve(name, "chat")
    assert (resolution.deployment, resolution.stand_in) == (OWN, True)
    assert str(resolution.note) == f"model={name.lower()}->my-glm"
    assert resolution.note is not None
    assert not resolution.note.exact


def test_a_report_holds_no_text_of_the_caller() -> None:
    """Where a pattern let a name through that is not plain, it is not told."""
    assert str(ALL.resolve("gpt-4 <script>", "chat").note) == "model=other->my-glm"


def test_a_name_of_ones_own_wins_over_a_shipped_one() -> None:
    """A model called glm-4 is glm-4."""
    own = deployment("glm-4")
    assert Catalogue([TINY, own]).resolve("GLM-4", "chat").deployment is own


@pytest.mark.parametrize("name", ["nobody", "", "x" * 100_000])
def test_an_unknown_name_is_refused_with_those_that_answer(name: str) -> None:
    """A short message, whatever the name."""
    with pytest.raises(ModelNotFound, match="My-GLM, glmgate-tiny, all-minilm") as raised:
        ALL.resolve(name, "chat")
    assert raised.value.param == "model"
    assert len(raised.value.message) < 500


def test_openais_names_can_be_off() -> None:
    """GLM's stay."""
    catalogue = Catalogue([TINY], openai=False)
    assert catalogue.resolve("glm-4", "chat").deployment is TINY
    with pytest.raises(ModelNotFound):
        catalogue.resolve("gpt-4o", "chat")


def test_stand_ins_can_be_off() -> None:
    """Then only real names answer."""
    catalogue = Catalogue([TINY], strict_models=True)
    assert catalogue.resolve("glmgate-tiny", "chat").deployment is TINY
    for name in ("glm-4", "gpt-4o"):
        with pytest.raises(ModelNotFound):
            catalogue.resolve(name, "chat")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("all-minilm", "chat"),
        ("glmgate-tiny", "embedding"),
        ("embedding-3", "chat"),
        ("gpt-4o", "embedding"),
        ("gpt-image-1", "chat"),
        ("whisper-1", "embedding"),
        ("rerank", "embedding"),
        ("glmgate-tiny", "rerank"),
        ("glm-4", "rerank"),
    ],
)
def test_a_model_of_another_kind_is_refused(name: str, kind: Work) -> None:
    """Real ones and stand-ins; it is the caller's mistake, not a missing model."""
    with pytest.raises(UnsupportedValue) as raised:
        ALL.resolve(name, kind)
    assert (raised.value.status, raised.value.param, raised.value.zai_code) == (400, "model", "1212")


def test_without_a_model_of_the_kind_nobody_stands_in() -> None:
    """A chat model cannot embed."""
    with pytest.raises(ModelNotFound):
        Catalogue([TINY]).resolve("embedding-3", "embedding")


@pytest.mark.parametrize("name", ["rerank", "Rerank-2", "embedding-3", "all-minilm"])
def test_an_embedding_model_reranks(name: str) -> None:
    """Under the names of rerankers and of embedding models, with its own vectors: their size is nobody's matter."""
    resolution = ALL.resolve(name, "rerank")
    assert resolution.deployment is next(one for one in ALL.deployments if one.name == "all-minilm")
    assert (resolution.note is None) == (name == "all-minilm")


async def test_an_embedding_name_has_its_own_size() -> None:
    """The engine behind it is asked for that."""
    engine = FakeEngine()
    catalogue = Catalogue([deployment("all-minilm", "embedding", engine)])
    named = catalogue.resolve("embedding-2", "embedding").deployment
    await named.engine.embed(call(), EmbeddingsRequest(model="embedding-2", input="a"))
    assert named.name == "all-minilm"
    assert engine.embedded[0].dimensions == 1024
    with pytest.raises(InvalidRequest):
        await named.engine.embed(call(), EmbeddingsRequest(model="embedding-2", input="a", dimensions=256))


def test_the_list_has_what_really_answers() -> None:
    """No stand-ins; the preferred ones first."""
    assert [(card.id, card.kind, card.answered_by) for card in ALL.cards()] == [
        ("My-GLM", "chat", None),
        ("glmgate-tiny", "chat", None),
        ("all-minilm", "embedding", None),
    ]


@pytest.mark.parametrize(
    ("name", "answered_by"), [("GPT-4o", "My-GLM"), ("embedding-3", "all-minilm"), ("rerank", "all-minilm")]
)
def test_a_stand_in_has_a_card_that_says_so(name: str, answered_by: str) -> None:
    """With the name that was asked for."""
    card = ALL.card(name)
    assert (card.id, card.answered_by, card.context_length) == (name, answered_by, 4096)


def test_a_real_model_has_its_own_card() -> None:
    """Under its own name."""
    assert ALL.card("MY-GLM").id == "My-GLM"
    assert ALL.deployments == (OWN, TINY, VECTORS)


@pytest.mark.parametrize("name", ["nobody", "gpt-image-1"])
def test_what_nobody_answers_for_has_no_card(name: str) -> None:
    """Names of kinds that are not served included."""
    with pytest.raises(ModelNotFound):
        ALL.card(name)


BUILT_IN = deployment("glmgate-tiny", rank="built-in")
BUILT_IN_VECTORS = deployment("all-minilm", "embedding", rank="built-in")
ROUTED = deployment("glm-4.6", rank="route", aliases=("gpt-4o", "Fast"))


def test_a_route_goes_before_weights_of_the_same_name() -> None:
    """Order for a name: the settings' routes, then models with weights."""
    weights = deployment("GLM-4.6")
    catalogue = Catalogue([BUILT_IN, weights, ROUTED])
    assert catalogue.resolve("glm-4.6", "chat").deployment is ROUTED
    assert catalogue.resolve("gpt-4.1", "chat").deployment is ROUTED


@pytest.mark.parametrize("name", ["gpt-4o", "FAST"])
def test_an_alias_is_answered_and_reported(name: str) -> None:
    """A name answered by another model is in the report."""
    resolution = Catalogue([BUILT_IN, ROUTED]).resolve(name, "chat")
    assert resolution.deployment is ROUTED
    assert str(resolution.note) == f"model={name.lower()}->glm-4.6"


def test_an_alias_of_a_route_is_stronger_than_a_model_of_that_name() -> None:
    """What somebody wrote down is meant."""
    catalogue = Catalogue([deployment("fast"), ROUTED], openai=False, strict_models=True)
    assert catalogue.resolve("fast", "chat").deployment is ROUTED
    assert catalogue.resolve("gpt-4o", "chat").deployment is ROUTED
    assert (catalogue.card("Fast").id, catalogue.card("Fast").answered_by) == ("Fast", "glm-4.6")


def test_the_built_in_model_never_stands_in_for_a_routed_one() -> None:
    """Where a route is, it answers its own name only: also for kinds that no route has."""
    catalogue = Catalogue([BUILT_IN, BUILT_IN_VECTORS, ROUTED])
    assert catalogue.resolve("glmgate-tiny", "chat").deployment is BUILT_IN
    assert catalogue.resolve("all-minilm", "embedding").deployment is BUILT_IN_VECTORS
    with pytest.raises(ModelNotFound):
        catalogue.resolve("embedding-3", "embedding")
    vectors_only = Catalogue([BUILT_IN, deployment("embedding-3", "embedding", rank="route")])
    with pytest.raises(ModelNotFound):
        vectors_only.resolve("glm-4.6", "chat")


@pytest.mark.parametrize("name", ["glm-4.6", "GLM-4-Plus", "glm-4-air-250414"])
def test_glm_names_are_asked_for_elsewhere_by_themselves(name: str) -> None:
    """A service found in the environment has these models, so there is nothing to report; strict or not."""
    for strict in (False, True):
        resolution = Catalogue([BUILT_IN], elsewhere=Service(), strict_models=strict).resolve(name, "chat")
        assert (resolution.deployment.name, resolution.deployment.rank, resolution.note) == (name, "found", None)


def test_other_names_are_answered_by_the_usual_model_elsewhere() -> None:
    """And reported; kinds that are not there are answered by nobody, least of all by what is built in."""
    catalogue = Catalogue([BUILT_IN, BUILT_IN_VECTORS], elsewhere=Service())
    resolution = catalogue.resolve("gpt-4o", "chat")
    assert (resolution.deployment.name, str(resolution.note)) == ("glm-4.6", "model=gpt-4o->glm-4.6")
    for name in ("text-embedding-3-small", "rerank"):
        with pytest.raises(ModelNotFound):
            catalogue.resolve(name, "embedding" if name != "rerank" else "rerank")
    with pytest.raises(ModelNotFound):
        Catalogue([BUILT_IN], elsewhere=Service(), openai=False).resolve("gpt-4o", "chat")
    with pytest.raises(ModelNotFound):
        Catalogue([BUILT_IN], elsewhere=Service(), strict_models=True).resolve("gpt-4o", "chat")


def test_weights_go_before_a_service_elsewhere() -> None:
    """Order for a name: pulled or --model models, then the environment's service."""
    catalogue = Catalogue([OWN, BUILT_IN], elsewhere=Service())
    assert catalogue.resolve("glm-4.6", "chat").deployment is OWN
    assert catalogue.resolve("embedding-3", "embedding").deployment.rank == "found"


def test_the_list_has_the_models_elsewhere() -> None:
    """Those known by name, once each."""
    catalogue = Catalogue([deployment("GLM-4"), BUILT_IN], elsewhere=Service())
    assert [card.id for card in catalogue.cards()] == ["GLM-4", "glmgate-tiny", "glm-4.6"]
    assert catalogue.card("glm-4.6").answered_by == "GLM-4"

"""The services in the environment: who is asked for which GLM name."""

from __future__ import annotations

from glmgate.app.elsewhere import Environment
from glmgate.routing.catalogue import Deployment, Rank
from glmgate.settings.found import found
from glmgate.settings.models import Model
from tests.fakes.engine import FakeEngine

ZAI = {"ZAI_API_KEY": "a.b"}
BIGMODEL = {"ZHIPUAI_API_KEY": "c.d"}


class Maker:
    """Makes deployments, and remembers for what."""

    def __init__(self) -> None:
        self.models: list[tuple[Model, bool]] = []

    def __call__(self, model: Model, rank: Rank, *, listed: bool = True) -> Deployment:
        """One that nobody asks."""
        self.models.append((model, listed))
        return Deployment(name=model.name, engine=FakeEngine(), kind=model.kind, rank=rank)


def environment(variables: dict[str, str]) -> tuple[Environment, Maker]:
    """The services whose keys these variables hold."""
    make = Maker()
    return Environment(found(variables), make, created=7), make


def test_a_name_is_asked_for_at_every_service_in_turn() -> None:
    """With both keys, one service first and the other after it."""
    there, make = environment(ZAI | BIGMODEL)
    deployment = there.deployment("GLM-4.6", "chat")
    assert deployment is not None
    assert (deployment.name, deployment.rank) == ("glm-4.6", "found")
    ((model, listed),) = make.models
    assert [(each.upstream, each.model, each.priority) for each in model.routes] == [
        ("zai", "glm-4.6", 1),
        ("bigmodel", "glm-4.6", 2),
    ]
    assert listed


def test_a_chain_is_made_once() -> None:
    """Its breaker and its slots are those of all requests."""
    there, make = environment(ZAI)
    assert there.deployment("glm-4.6", "chat") is there.deployment("GLM-4.6", "chat")
    assert len(make.models) == 1


def test_embeddings_are_asked_of_who_has_them() -> None:
    """Where nobody is known to have them, of the only service there is."""
    for variables, name in ((ZAI | BIGMODEL, "bigmodel"), (ZAI, "zai")):
        there, make = environment(variables)
        there.deployment("embedding-3", "embedding")
        assert [each.upstream for each in make.models[0][0].routes] == [name]


def test_other_catalogues_names_have_a_usual_answer() -> None:
    """As the package's data has it for each service."""
    there, _ = environment(BIGMODEL)
    chat, vectors = there.usual("chat"), there.usual("embedding")
    assert (chat and chat.name, vectors and vectors.name) == ("glm-4.6", "embedding-3")
    assert environment(ZAI)[0].usual("embedding") is None


def test_names_that_only_a_pattern_knows_are_bounded() -> None:
    """Callers make them up."""
    there, make = environment(ZAI)
    for number in range(1000):
        there.deployment(f"glm-4-{number:08}", "chat")
    assert not any(listed for _, listed in make.models)
    assert len(there._made) < 200
    assert "zai/other" in there.places()


def test_cards_name_the_service() -> None:
    """All names that are known one by one, without asking anybody."""
    there, make = environment(ZAI)
    cards = {card.id: card for card in there.cards()}
    assert (cards["glm-4.6"].owned_by, cards["glm-4.6"].kind, cards["glm-4.6"].created) == ("zai", "chat", 7)
    assert cards["embedding-3"].kind == "embedding"
    assert "rerank" not in cards
    assert not make.models

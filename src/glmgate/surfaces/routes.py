"""The route table: what is served, as data. What is only known stands in `catalogue`."""

from __future__ import annotations

from glmgate.surfaces.admin.routes import ADMINISTRATION
from glmgate.surfaces.endpoints.embeddings import embeddings
from glmgate.surfaces.endpoints.generations import chat, completions
from glmgate.surfaces.endpoints.models import model, models
from glmgate.surfaces.endpoints.operations import index, livez, metrics, now, readyz
from glmgate.surfaces.endpoints.rerank import rerank
from glmgate.surfaces.endpoints.tokenizer import tokenizer
from glmgate.surfaces.table import Route
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.rerank import RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

SERVED: tuple[Route, ...] = (
    Route("POST", "/chat/completions", chat, "Answer a conversation", body=ChatRequest, streams=True),
    Route("POST", "/completions", completions, "Continue a text", body=CompletionRequest, streams=True),
    Route("POST", "/embeddings", embeddings, "Embed texts", body=EmbeddingsRequest),
    Route("POST", "/rerank", rerank, "Sort documents by a query", body=RerankRequest),
    Route("POST", "/tokenizer", tokenizer, "Count prompt tokens", body=TokenizerRequest),
    Route("GET", "/models", models, "List the models that answer"),
    Route("GET", "/models/{model*}", model, "Show a model or a stand-in"),
    *ADMINISTRATION,
    Route("GET", "/", index, "What this server is", access="open"),
    Route("GET", "/", index, "What this server is", access="open", rooted=True),
    Route("GET", "/livez", livez, "Whether the process serves", access="open", rooted=True),
    Route("GET", "/readyz", readyz, "Whether requests can be answered", access="open", rooted=True),
    Route("GET", "/metrics", metrics, "Metrics for Prometheus", access="metrics", rooted=True),
    Route("GET", "/glmgate/now", now, "What is going on now", access="local", rooted=True),
)

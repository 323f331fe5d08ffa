"""The child process that serves one GGUF file over a UNIX socket: `python -m training.engine_child MODEL SOCKET`.

Holds only the start of the engine; it ends when its standard input does, so that it never outlives its parent.
"""

from __future__ import annotations

import sys

import xllamacpp

CONTEXT = 4096


def serve(model: str, socket: str, *, embedding: bool) -> None:
    """Serve the model until standard input ends."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = CONTEXT
    params.n_parallel = 4
    params.kv_unified = True
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.use_jinja = True
    params.hostnames = [socket]
    params.ui = False
    params.cache_ram_mib = 0
    if embedding:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], embedding="--embedding" in sys.argv[3:])

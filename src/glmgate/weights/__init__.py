"""Weights on disk: what a GGUF file holds, how much memory it needs, which models are shipped. Knows no server."""

"""The HTTP client seam: `post`, `get` and `stream`, with time-outs as values. Knows no model and no dialect."""

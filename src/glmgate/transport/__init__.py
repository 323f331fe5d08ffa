"""The HTTP client seam: `post`, `get`, `stream`, `fetch`, with time-outs as values. Knows no model and no dialect."""

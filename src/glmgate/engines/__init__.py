"""What runs models: the embedded engine, later upstreams. Knows nothing of keys, limits or HTTP surfaces."""

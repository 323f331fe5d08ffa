"""OpenTelemetry: spans and metrics by the conventions for generative AI, sent to a collector. Needs `glmgate[otel]`.

Nothing outside imports this before the settings name a collector.
"""

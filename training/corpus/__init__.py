"""Writes the synthetic conversations that the built-in model is trained and judged on.

Every sentence here is our own; nothing is read from elsewhere and nothing is drawn but from the given generator.
"""

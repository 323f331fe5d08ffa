"""Filters: what texts may not hold, found in linear time, also in texts that arrive in pieces.

Decisions over values; who is asked over a network (`wire.moderation`) is asked at the edge.
"""

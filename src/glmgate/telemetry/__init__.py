"""Logs and metrics: what operators see. Holds no contents of messages, ever."""

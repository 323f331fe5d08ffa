"""Engines around engines: adaptation, several choices at once, names. Knows neither HTTP nor SQL."""

"""The life of one request, from who asks to how it ended. Knows neither HTTP nor SQL."""

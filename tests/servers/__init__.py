"""Real servers that tests start for themselves: PostgreSQL and Redis, from what the machine has installed."""

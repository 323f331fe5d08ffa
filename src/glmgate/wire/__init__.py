"""What travels: requests, deltas, completions, SSE, errors, and the Engine protocol. Pure: no I/O, no clock."""

"""Keys and who they stand for: decisions over values, with stores behind Protocols. Pure: no I/O, no clock."""

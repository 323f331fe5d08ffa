"""The stores that `policy` asks for, on SQLite; the master key's file. Decides nothing."""

"""The embedded engine: llama.cpp in supervised child processes, one per model, spoken to over UNIX sockets."""

"""Services elsewhere that speak a chat API of the common kind: what is sent to them, and their answers made regular."""

"""Services elsewhere that speak a chat API like OpenAI's: what is sent to them, and their answers made regular."""

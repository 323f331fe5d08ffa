"""Makes the built-in models: corpus, tokenizer, training, conversion and evaluation.

Nothing here is imported by the server, and nothing here imports the server.
"""

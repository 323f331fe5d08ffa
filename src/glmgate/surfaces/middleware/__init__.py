"""The middlewares, one in each file; `application` folds them. Each is an ASGI application around another."""

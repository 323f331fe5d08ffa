"""ASGI: routes, middlewares, one package per surface. Endpoints parse, call the gateway and answer; none decides."""

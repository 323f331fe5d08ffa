"""The HTTP side: raw ASGI, a route table as data, one middleware per file, endpoints of a few lines.

What a request means is decided in `gateway`; here it is only read, handed on and answered.
"""

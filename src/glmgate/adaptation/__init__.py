"""Fits requests to what a deployment accepts, and undoes it on the answer: profiles are data, one rule per field.

Nothing here calls anything, reads a clock or knows a company's name.
"""

"""Successive halving.

``rung_files``: what a candidate has achieved when it stops. ``ranking``: the order of the candidates after a rung.
``parts``: all rungs of a search, checked against each other.
"""

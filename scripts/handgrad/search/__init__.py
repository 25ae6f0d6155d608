"""Successive halving.

``rung_files``: the validation figures of a candidate at a rung. ``ranking``: the order of the candidates after a rung.
``parts``: all rungs of a search, checked against each other.
"""

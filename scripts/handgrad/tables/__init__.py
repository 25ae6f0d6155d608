"""The tables, one module each.

``table``: what all tables share. ``selection``: the best runs and settings. ``significance``: intervals and tests.
``inputs``: the runs and datasets that tables are made from.
"""

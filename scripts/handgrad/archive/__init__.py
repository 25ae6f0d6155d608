"""Archives of finished experiments, and stale files in results/.

``pack`` and ``verify`` are the entry points of archives, ``stale`` that of pruning. The other modules describe the
members of an archive, read it and make its content again.
"""

"""Archives, and stale files.

``pack``, ``verify``: one finished experiment in one file. ``stale``: files of results/ that no experiment needs.
"""

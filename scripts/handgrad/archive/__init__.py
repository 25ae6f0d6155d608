"""Archives of finished experiments (``pack``, ``verify``), and the search for stale files in results/ (``stale``)."""

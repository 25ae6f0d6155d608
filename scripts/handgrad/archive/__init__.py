"""One finished experiment in one file: pack and verify. What of results/ no experiment needs."""

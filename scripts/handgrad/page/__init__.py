"""The one-page summary: its content, HTML parts, captions, methods in words, and assets."""

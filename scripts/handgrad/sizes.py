"""Sizes of files, for people."""


def size_text(count: int) -> str:
    """A number of bytes for people: 999 bytes, 1.0 kB, 31.4 GB."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

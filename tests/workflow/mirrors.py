"""Small files in the format of MNIST, and an HTTP server for them on the loopback address."""

import gzip
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np


def idx(array: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Return the bytes of a gzipped IDX file with this array."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on the loopback address; yield the URL."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()

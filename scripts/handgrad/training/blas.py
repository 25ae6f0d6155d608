"""BLAS functions that NumPy does not have, from SciPy.

``import scipy.linalg.blas`` also imports the rest of scipy.linalg, numpy.f2py and numpy.testing. That takes 0.25 s of
CPU time, more than the training of a short run. The extension module that holds the functions loads in 0.01 s.
"""

from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any


def _blas() -> Any:
    """Return the extension module of ``scipy.linalg.blas``, which has the same functions, or that module itself."""
    scipy = find_spec("scipy")
    folders = (scipy and scipy.submodule_search_locations) or ()
    spec = PathFinder.find_spec("_fblas", [str(Path(folder, "linalg")) for folder in folders])
    if spec is None or spec.loader is None:  # SciPy does not promise the name of this module
        from scipy.linalg import blas

        return blas
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BLAS = _blas()

"""Restrict the process to one core, let BLAS choose its kernels, and add the library to sys.path.

Import this module before NumPy.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
    del os.environ[name]
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
if hasattr(os, "sched_setaffinity"):  # also limits libraries that start their own threads
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

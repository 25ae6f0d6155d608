"""Imported before NumPy: one core, a BLAS that chooses its kernels for this processor, and the library's folder."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
    del os.environ[name]
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
if hasattr(os, "sched_setaffinity"):  # one core also for those who start threads of their own
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

"""What holds for all tests."""

import signal
import threading

from hypothesis import settings

# None of their promises is about time, and a busy machine would break one now and then.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# Tests in the background or under nohup would ignore these signals, and so would all that they start.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

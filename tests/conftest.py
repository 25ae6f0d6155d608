"""What holds for all tests."""

from hypothesis import settings

# None of their promises is about time, and a busy machine would break one now and then.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

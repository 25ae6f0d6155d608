"""Modules that every package uses.

``errors``, ``system_errors``: messages. ``atomic``, ``sealed``, ``text_files``, ``hashing``, ``folders``: files.
``code_digests``, ``untracked``: reruns. ``rule_job``, ``logs``, ``progress_file``, ``signals``: a job and its log.
``formatting``: numbers as text. ``randomness``: random generators.
"""

"""Using a run after training.

``find_run``: the file of a run by its name. ``input_files``: examples from files. ``predict``: classes and
probabilities. ``export``: the ONNX model of a run, with its model card.
"""

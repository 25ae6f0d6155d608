"""The page of an experiment (summary.html): content, captions, text on the methods, templates and assets."""

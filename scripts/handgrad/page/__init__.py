"""The page of an experiment (summary.html).

``reading``: read and verify its inputs. ``content``: make the page. ``context``: the facts that captions show, also in
Snakemake's report. The other modules are parts of the page.
"""

"""handgrad: a one-hidden-layer network with hand-derived gradients, and what surrounds it.

The modules, from the mathematics outwards:

activations               h and h', one table entry each
model                     forward pass, objective E(W) and its gradients: the reference
batch                     the same as training computes it, in arrays that are made once
momentum                  the velocity of the weights, for runs that have one
randomness                every random number, from (seed, purpose, epoch)
numeric_gradients         differences and the complex step, entry by entry and whole
gradient_check, check_*   the gradients held against them, and the report on it
training_check, activation_check, model_check   what training executes, in each dtype, at weights of any size
rounding, held            by how much rounding may make two numbers differ
data                      datasets as HDF5, pixels to inputs
training                  mini-batch gradient ascent, epoch by epoch
runs                      what a run is: its axes, its name, the run table
runfile, run_reader       the file that holds a finished run
answers                   which test examples a run has right
selection                 which run is the best
statistics, result_statistics   intervals, and which runs cannot be told from the best
config, config_*          the experiment file and its mistakes
experiment_files          which files the workflow makes for an experiment
stale, stale_checkpoints  which files no experiment needs any more
archive, archive_*        one experiment in one file, and the proof of it
registry, formats, download   what datasets are made of, read and fetched
published                 the published table
tables, *_tables          from runs to tables
plot_style, *_plots       from runs to figures
digests, atomic, logs, errors   what the rest stands on

Nothing here imports Snakemake, and nothing here prints.
"""

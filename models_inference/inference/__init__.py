"""Running classifiers over a dataset, chunk by chunk, in any number of processes."""

"""The explorer: look at a study's images, labels and workers."""

"""The demo: one study from images to results, and its bill."""

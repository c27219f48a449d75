"""Campaigns, HITs, assignments and workers; the workers' pages; the science of their answers."""

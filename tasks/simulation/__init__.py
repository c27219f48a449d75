"""Simulated workers, and stand-in marketplaces for rehearsals."""

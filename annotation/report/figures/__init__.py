"""The figures of the report, one module each: pure functions from a study's arrays to numbers."""

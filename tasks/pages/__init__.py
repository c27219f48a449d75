"""The workers' pages: HITs as grids and forms, read and answered."""

"""The workers' pages: HITs as grids and forms, and what workers send back."""

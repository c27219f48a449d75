"""What a study found: the numbers of the report."""

"""A stand-in for Amazon Mechanical Turk on this machine, to try a study whole before paying."""

REHEARSED = ("mturk",)  # the crowds whose marketplaces it stands in for

"""A stand-in for Amazon Mechanical Turk on this machine, to try a study whole before paying."""

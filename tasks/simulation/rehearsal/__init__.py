"""A stand-in for Amazon Mechanical Turk on this machine, to try a study whole before paying."""

REHEARSED = ("panel", "prolific", "mturk")  # the crowds that it stands in for

"""What an interval needs at least (rule T6)."""

LEAST_WORKERS = 10
LEAST_IMAGES = 2

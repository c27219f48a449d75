"""A campaign in steps, from what is asked to publishing it, without JSON."""

"""A stand-in for Prolific: its REST API and external studies, in memory, beside MTurk's."""

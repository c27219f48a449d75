"""The path of a study: where it stands, what needs a person, and what comes next."""

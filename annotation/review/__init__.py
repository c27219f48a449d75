"""The review of answers by a person: one after the other, with what others said beside it."""

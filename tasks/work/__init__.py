"""Work on the site: places, who gets which HIT, what becomes of the answer, review and rounds."""

"""The site and a marketplace kept in step: one way out, one way in."""

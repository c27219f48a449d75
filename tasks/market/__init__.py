"""Keeping the site and a marketplace in step: what is sent, and what comes back."""

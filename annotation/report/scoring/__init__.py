"""Scores a new classifier without this software: score.py, and the arrays that it reads."""

"""The one reader of every table that people bring.

What a file is (kinds.py), how it is cut into cells (cells.py), its rows by column (named_rows.py),
what a cell says (values.py), and its errors, each told once (problems.py).
"""

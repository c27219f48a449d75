"""The report as one page: sentences, tables, charts and pictures made from the JSON."""

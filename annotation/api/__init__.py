"""The REST API: datasets to read, campaigns to make and to steer, tables to take out."""

"""Pixels: decoding, the two sizes that workers see, duplicates, the demo's photographs."""

"""What workers saw and said, drawn for researchers: pictures, and whole answers."""

"""How researchers log in: wrong passwords are counted, and a second factor may be asked for."""

"""Other registers: the port, how they are asked, and what was made for it."""

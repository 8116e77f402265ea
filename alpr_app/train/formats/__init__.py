"""Label formats of other programs, and their conversion from and to this project's own."""

"""Training of both networks, with everything that only training needs. `python -m alpr_app.train` is its command line.

It may import every room except `cli` and `viewer`; no other room may import it.
"""

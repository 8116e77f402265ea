"""Training of both networks, with everything that only training needs. `python -m alpr_app.train` is its command line.

Knows everything but `cli` and `viewer`; nobody may know it.
"""

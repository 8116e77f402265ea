"""Reading for others than one user at one machine: the HTTP service behind `alpr serve`.

Depends on all rooms up to `evaluation`. Needs the extra `serve`; its packages are imported only when a service is made.
"""

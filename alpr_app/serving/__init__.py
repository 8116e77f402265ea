"""Reading for others than one user at one machine: the HTTP service behind `alpr serve`, and many pictures on a Ray
cluster.

Depends on all rooms up to `evaluation`, but on none of `cli`, `train` and `viewer`. The packages of the extras `serve`
and `ray` are imported only when they are used.
"""

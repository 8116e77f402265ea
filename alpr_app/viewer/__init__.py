"""The desktop program: browse folders, watch cameras, and look into every plate.

The window is drawn on the main thread, which never waits (`app`, `panels`). Threads of their own read and recognise
(`workers`); they hand over through mailboxes, and each result carries the name of the picture that it belongs to. Only
`toolkit` knows Dear ImGui. Knows everything up to `evaluation`, but neither `cli` nor `train`.
"""

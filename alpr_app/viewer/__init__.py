"""The desktop program: browse folders, watch cameras, and examine every plate.

A way in: `app/main.py` parses the command line and opens the window of `app/window.py`, whose event loop draws
`app/layout.py` frame by frame. At each frame, `app/program.py` carries the results of the threads into `app/state.py`;
the panels then draw this state and call the program when the user does something.

- `app`: the program, its state and commands, the window
- `panels`: the parts of the window
- `workers`: the threads that list, decode, read cameras, recognise and save
- `text`: the words of the window, in English and Chinese
- `toolkit`: widgets, painting, textures and input; the only room that knows Dear ImGui

The main thread draws and never waits. The workers hand over through mailboxes and queues, and each result has the key
of its picture, so that no overlay is drawn on another picture.

The viewer may use everything up to `evaluation`, but neither `cli` nor `train`. Nothing is taken from it: `alpr bench
--viewer` starts `app/bench.py` as a process.
"""

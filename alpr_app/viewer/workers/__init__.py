"""The threads behind the window. None of them draws, and the main thread never waits for one of them.

- `threads`: mailboxes between threads, base class of the workers, guard against exceptions
- `images`: one picture, and the thread that decodes the pictures of a folder
- `live`, `cameras`: the thread that reads a camera, video or stream; the list of cameras
- `recogniser`: the thread that runs the models
- `folders`, `label_tables`: listing of pictures and subfolders; labels from `alpr_dataset.csv`
- `known_results`, `result_store`: results of earlier readings, and their database
- `picker`: the list of the open dialog
- `export`: the thread that writes saved pictures and results; `desktop`: file manager and clipboard of the system
"""

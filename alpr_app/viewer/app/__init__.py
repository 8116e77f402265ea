"""The program behind the window.

- `main`, `arguments`: the command line
- `window`: the window on the screen and its event loop; `layout`: one frame of it, made of the panels
- `program`: owns the threads and carries their results into the `state`, which the panels draw
- `commands`: what each key and button does
- `image_list`, `tree`, `folder_navigator`: browsing folders
- `record`, `result_memory`, `folder_results`, `saved_results`: results of pictures, remembered, summed up and saved
- `cars`, `camera_modes`: the cars of a live source; the wanted mode of each camera
- `training`: the training run that is watched
- `settings`, `notices`: what is remembered; warnings for the status line
- `screenshot`, `bench`: the window drawn without a display
"""

"""Everything that draws; the only room that knows Dear ImGui.

- `toolkit`: widgets and layout, with one module for each binding of Dear ImGui (`pyimgui`, `imgui_bundle`); `binding`
  chooses between them
- `painter`: free drawing; `textures`: pictures on the graphics card
- `inputs`: events of mouse and keyboard; `theme`: colours; `offscreen`: drawing without a display
"""

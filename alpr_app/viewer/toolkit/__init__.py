"""Everything that draws; the only room that knows Dear ImGui.

- `toolkit`: widgets and layout through Dear ImGui; `painter`: free drawing; `textures`: pictures on the graphics card
- `inputs`: events of mouse and keyboard; `theme`: colours; `offscreen`: drawing without a display
"""

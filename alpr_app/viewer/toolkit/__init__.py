"""What draws: the one place that knows Dear ImGui, with theme, fonts, textures and input events."""

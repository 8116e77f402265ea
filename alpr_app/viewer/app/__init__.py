"""The program behind the window: its state, its keys, its settings, and the window itself."""

"""The parts of the window, one file each. They draw the state and call the program; of their own they keep little."""

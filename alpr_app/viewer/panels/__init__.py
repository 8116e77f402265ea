"""The parts of the window, one file each. They draw the state and call the program; they keep little of their own."""

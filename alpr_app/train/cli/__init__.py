"""The training module's command line: the two trainings, and the commands around them."""

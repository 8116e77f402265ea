"""The command line of the training: the two trainings, and the commands around datasets and models."""

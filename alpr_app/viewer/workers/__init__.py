"""The threads: sources of pictures, recognition, exports, folder listings."""

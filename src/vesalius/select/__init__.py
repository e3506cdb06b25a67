"""Which images to label next: what may be chosen, by which objectives, and why each was."""

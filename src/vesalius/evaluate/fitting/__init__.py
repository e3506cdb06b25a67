"""What protocols fit to features and images, and what they choose by."""

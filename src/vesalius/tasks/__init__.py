"""What is to be predicted, on top of an encoder: heads, losses, scores, predictions, the classifier and its training."""

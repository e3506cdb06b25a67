"""The examination at the end of a pretraining."""

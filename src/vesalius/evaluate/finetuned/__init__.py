"""The examination at the end of a fine-tuning."""

"""Fine-tuning a segmenter on volumes: what its recipes may say, its data and encoder, its training."""

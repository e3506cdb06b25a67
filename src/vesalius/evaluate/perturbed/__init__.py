"""Fine-tuned models on disturbed images."""

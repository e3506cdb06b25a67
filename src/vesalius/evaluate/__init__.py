"""What an encoder is worth: probes beside baselines, and the examination at the end of a pretraining."""

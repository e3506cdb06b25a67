"""Where an encoder looks: maps by occlusion, by gradients and by attention."""

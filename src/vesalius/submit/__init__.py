"""A verb's line handed to a cluster: Slurm by submitit, Azure ML by azure-ai-ml. The line is checked before anything is sent."""

"""What the report of a selection shows: its quality, what it is made of, its pictures, a probe on it, and what that comes to in words."""

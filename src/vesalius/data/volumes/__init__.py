"""Volumes: read from any medical format, brought to a plan's axes and spacing, stored, and read back patch by patch."""

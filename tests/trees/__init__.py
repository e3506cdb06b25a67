"""Small data sets in their native layouts, written with the pixels of real radiographs."""

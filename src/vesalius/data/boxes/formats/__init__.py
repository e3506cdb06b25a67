"""One format of boxes per file: ``tasks(root, images)`` finds what there is of it, ``read(root, task, images)`` reads it."""

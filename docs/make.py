"""``make pictures``: the pictures and the pages that commands write.

The demo's report is photographed section by section, and that of a classifier on its encoder; the migration page, the page
on odd files, that on augmentation files and the tables of that on selections are generated, and the page on real images is written
from its run, which is made where it does not exist (some minutes).
"""

from __future__ import annotations

from pathlib import Path

from docs import augmentation_files, make_screenshots, migration, migration_lightly, real_images, select_keys
from vesalius.demo import SELECTION, demo

HERE = Path(__file__).resolve().parent
DATA = "medmnist:pneumoniamnist"
"""What the photographed classifier learns: PneumoniaMNIST, CC BY 4.0."""


def main() -> None:
    """All of it."""
    run = HERE.parent / "runs" / "demo-for-docs"
    if not (run / "report.html").exists():
        demo(out=run)
    for picture in make_screenshots.make(run, HERE / "pictures"):
        print(picture.relative_to(HERE.parent))
    print(make_screenshots.cover(run / SELECTION).relative_to(HERE.parent))
    tuned = run.with_name("finetune-for-docs")
    if not (tuned / "report.html").exists():
        from vesalius.finetune import finetune

        finetune("classifier", encoder=run, out=tuned, **{"data.train": DATA})
    for picture in make_screenshots.make_finetune(tuned, HERE / "pictures"):
        print(picture.relative_to(HERE.parent))
    migration.main()
    migration_lightly.main()
    augmentation_files.main()
    select_keys.main()
    real_images.main()


if __name__ == "__main__":
    main()

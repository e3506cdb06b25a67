"""Where encoders go: one target per file.

Each has ``refusal(card)``, a clause that says why an architecture cannot be written, or ""; ``write(encoder, out)``,
which fills the folder and returns ``Exported``; and ``reload(out, facts)``, which loads it by the target's own library.
"""

"""Words of DICOM headers that may be repeated: only those the standard lists, because a text may hold a name."""

from __future__ import annotations

_MODALITIES = (
    "ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DMS DG DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT IVUS"
    " KER KO LEN LS MG MR M3D NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG"
    " RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA"
    " XA XAPROTOCOL XC"
)

_NO_PICTURES = (
    "ANN ASMT AU DOC ECG EEG EMG EOG EPS FID HC KO PLAN PR REG RESP RTDOSE RTPLAN RTRECORD RTSEGANN RTSTRUCT RWV SEG SR"
    " TEXTUREMAP"
)

_VIEWS = "AP PA LL RL RLD LLD RLO LLO LAT LATERAL OBLIQUE FRONTAL AXIAL CC MLO ML LM LMO SIO XCC XCCL XCCM FB"

MODALITIES = frozenset(_MODALITIES.split())
"""PS3.3 C.7.3.1.1.1."""
NO_PICTURES = frozenset(_NO_PICTURES.split())
"""Modalities of objects that are no pictures of a body, though some hold arrays of numbers."""
VIEWS = frozenset(_VIEWS.split())
"""View positions of radiographs and mammograms (C.8.11.5.1.1, C.8.3.1.1.4), and what is often written for them."""
LATERALITIES = frozenset("LRBU")


def modality(said: object) -> str:
    """``said`` where it is a modality of the standard's list; else ``other``."""
    return listed(said, MODALITIES) or "other"


def listed(said: object, words: frozenset[str]) -> str | None:
    """``said`` in capitals where it is one of ``words``."""
    word = str(said or "").strip().upper()
    return word if word in words else None

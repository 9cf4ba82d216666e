"""Pruning: which channels stay, as a plan to be read and edited before anything is cut; TAO's rule, and targets."""

from faceir.train.prune.cost import Cost, Layer, Row, cost, describe, layers, shares
from faceir.train.prune.evidence import loss_of, spread
from faceir.train.prune.importance import EQUALIZATIONS, IMPORTANCES, NORMALIZERS, SCALES, restate, taylor
from faceir.train.prune.latency import PRECISIONS, LayerTimes
from faceir.train.prune.picture import draw
from faceir.train.prune.plan import Plan, apply
from faceir.train.prune.rule import DEFAULT_SCALES, make_plan, plan_for
from faceir.train.prune.wiring import Group, groups

__all__ = [
    "DEFAULT_SCALES",
    "EQUALIZATIONS",
    "IMPORTANCES",
    "NORMALIZERS",
    "PRECISIONS",
    "SCALES",
    "Cost",
    "Group",
    "Layer",
    "LayerTimes",
    "Plan",
    "Row",
    "apply",
    "cost",
    "describe",
    "draw",
    "groups",
    "layers",
    "loss_of",
    "make_plan",
    "plan_for",
    "restate",
    "shares",
    "spread",
    "taylor",
]

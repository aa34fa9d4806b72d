"""The Parquet experiment store: three tables that any tool can read, and their one writer."""

from orchestrator.store.errors import (
    NewerSchemaError,
    NotPublishedError,
    PublicationUnknownError,
    StoreError,
    StoreUnusableError,
    UnreadableFileError,
)
from orchestrator.store.schema import OUTCOMES, PREDICTIONS, REPORTS, SCHEMA_VERSION, TRIALS
from orchestrator.store.writer import Store

__all__ = [
    "OUTCOMES",
    "PREDICTIONS",
    "REPORTS",
    "SCHEMA_VERSION",
    "TRIALS",
    "NewerSchemaError",
    "NotPublishedError",
    "PublicationUnknownError",
    "Store",
    "StoreError",
    "StoreUnusableError",
    "UnreadableFileError",
]

"""From a dump to a ledger: sources, column mapping, cleaning, the quality sheet."""

from basketry.ledger.bands import price_bands
from basketry.ledger.ledger import Ledger
from basketry.ledger.partitions import PartitionedLedger, partition_ledger
from basketry.ledger.quality import Quality
from basketry.ledger.read import read_ledger

__all__ = ["Ledger", "PartitionedLedger", "Quality", "partition_ledger", "price_bands", "read_ledger"]

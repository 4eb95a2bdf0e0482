"""How long a shop takes to simulate, its ledger included."""

from __future__ import annotations

CODE = """
import json, sys
import basketry as bk
shop = bk.simulate(customers=int(sys.argv[1]), rng=7).ledger
print(json.dumps([shop.n_customers, shop.n_orders, shop.n_lines]))
"""


def bench_simulate(measure):
    for customers in (20_000, 1_000_000):
        run = measure.child(CODE, str(customers))
        measure.record(f"simulate {customers:,} customers and their ledger", run)

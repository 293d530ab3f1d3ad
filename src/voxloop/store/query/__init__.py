"""The query language: one expression that looks like Python, read here, compiled to SQL, never evaluated as Python.

Asked by the project, the command line and the server. Knows the tables, and neither a project nor a connection.
"""

from voxloop.store.query.complete import Completion, Known, complete
from voxloop.store.query.errors import QueryError
from voxloop.store.query.functions import FUNCTIONS, Function
from voxloop.store.query.parse import Order, Query, parse, parse_order
from voxloop.store.query.sql import base, order, select_ids, where
from voxloop.store.query.terms import SCOPES, Scope, Term, terms

__all__ = [
    "FUNCTIONS",
    "SCOPES",
    "Completion",
    "Function",
    "Known",
    "Order",
    "Query",
    "QueryError",
    "Scope",
    "Term",
    "base",
    "complete",
    "order",
    "parse",
    "parse_order",
    "select_ids",
    "terms",
    "where",
]

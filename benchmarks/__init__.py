"""What is fast and what is not: crmcore measured against the databases' own tools, plain SQL and plain libraries.

``python -m benchmarks`` measures everything; each work is a module of :mod:`benchmarks.works`.
"""
